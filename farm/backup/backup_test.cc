#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "common/bytes.h"
#include "common/hex.h"
#include "farm/backup/backup_reader.h"
#include "farm/backup/backup_writer.h"
#include "farm/backup/contents.h"
#include "farm/backup/record.h"
#include "farm/messages.h"
#include "farm/site.h"
#include "proto/manager_store.pb.h"

namespace strata::farm::backup {
namespace {

namespace fs = std::filesystem;
namespace stored = strata::manager::store::v1;
using Records = std::map<std::string, std::string>;

constexpr const char* kForms[] = {"", ".tar", ".tar.gz"};

Manifest Facts() {
  Manifest facts;
  facts.scope = "cdn-one/lan-a";
  facts.manager = "sm-1";
  facts.version = "0.1.0";
  facts.created_at_ms = 1'700'000'000'000;
  facts.group_id = 7;
  return facts;
}

Records Many() {
  Records records;
  for (int i = 0; i < 40; ++i) {
    records[TableKey("table", std::to_string(i))] = std::string(size_t{1} << 20, 'a' + i % 26);
  }
  return records;
}

class BackupTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/backup.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  static StatusOr<Manifest> Write(const std::string& path, const Records& records) {
    STRATA_ASSIGN_OR_RETURN(const auto writer, BackupWriter::Create(path));
    for (const auto& [key, value] : records) {
      STRATA_RETURN_IF_ERROR(writer->Add(key, value));
    }
    return writer->Finish(Facts());
  }
  static StatusOr<Manifest> Read(const std::string& path, Records& records) {
    return ReadBackup(path, [&records](std::string_view key, std::string_view value) {
      records[std::string(key)] = value;
      return Ok();
    });
  }
  static Status Check(const std::string& path) {
    Records records;
    return Read(path, records).status();
  }
  static std::string Slurp(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    return bytes.str();
  }
  static void Put(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  fs::path folder_;
};

TEST_F(BackupTest, GivesBackWhatWasWrittenInEachForm) {
  const Records records = Many();
  for (const char* form : kForms) {
    const std::string path = Path(std::string("whole") + form);
    const StatusOr<Manifest> written = Write(path, records);
    ASSERT_TRUE(written.ok()) << written.status();
    EXPECT_EQ(written->records, records.size());
    EXPECT_GT(written->parts.size(), 2u);
    Records read;
    const StatusOr<Manifest> manifest = Read(path, read);
    ASSERT_TRUE(manifest.ok()) << manifest.status();
    EXPECT_EQ(*manifest, *written);
    EXPECT_EQ(read, records);
    struct stat facts {};
    ASSERT_EQ(stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 077, 0u) << "nobody else reads it";
  }
}

TEST_F(BackupTest, OverwritesNothingAndLeavesNothingUnfinished) {
  for (const char* form : kForms) {
    const std::string path = Path(std::string("twice") + form);
    ASSERT_TRUE(Write(path, {{"ta\0k", "v"}}).ok());
    EXPECT_EQ(Write(path, {}).status().code(), StatusCode::kAlreadyExists);
    {
      const auto writer = BackupWriter::Create(Path(std::string("left") + form));
      ASSERT_TRUE(writer.ok());
      ASSERT_TRUE((*writer)->Add("k", "v").ok());
    }
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 3);
  EXPECT_EQ(Write(Path("no/such/folder"), {}).status().code(), StatusCode::kNotFound);
}

TEST_F(BackupTest, NamesTheFileAndPlaceOfADamage) {
  ASSERT_TRUE(Write(Path("b"), Many()).ok());
  const std::string part = Path("b/intents-000002");
  std::string bytes = Slurp(part);
  bytes[bytes.size() / 2] ^= 1;
  Put(part, bytes);
  const Status damaged = Check(Path("b"));
  EXPECT_EQ(damaged.code(), StatusCode::kDataLoss);
  EXPECT_NE(MessageOf(damaged).find("intents-000002: damaged at byte "), std::string::npos)
      << damaged;
}

TEST_F(BackupTest, MissesParts) {
  ASSERT_TRUE(Write(Path("b"), Many()).ok());
  fs::remove(Path("b/intents-000003"));
  EXPECT_NE(MessageOf(Check(Path("b"))).find("intents-000003 is missing"), std::string::npos);
  fs::remove(Path("b/intents-000001"));
  EXPECT_EQ(Check(Path("b")).code(), StatusCode::kDataLoss);
  fs::remove(Path("b/manifest.json"));
  EXPECT_EQ(Check(Path("b")).code(), StatusCode::kDataLoss);
}

TEST_F(BackupTest, MissesAPartThatIsAnotherBackups) {
  ASSERT_TRUE(Write(Path("a"), {{TableKey("t", "k"), "one"}}).ok());
  ASSERT_TRUE(Write(Path("b"), {{TableKey("t", "k"), "two"}}).ok());
  fs::copy_file(Path("a/intents-000001"), Path("b/intents-000001"),
                fs::copy_options::overwrite_existing);
  EXPECT_NE(MessageOf(Check(Path("b"))).find("intents-000001"), std::string::npos);
}

TEST_F(BackupTest, RefusesATarThatWasCutAnywhere) {
  Records few = {{TableKey("a", "k"), std::string(3000, 'x')}, {TableKey("b", "k"), "y"}};
  for (const char* form : {".tar", ".tar.gz"}) {
    const std::string whole = Path(std::string("whole") + form);
    ASSERT_TRUE(Write(whole, few).ok());
    const std::string bytes = Slurp(whole);
    const std::string cut = Path(std::string("cut") + form);
    // Of a plain tar, the end is nothing but zeros.
    const size_t end = std::min<size_t>(bytes.size(), 4096 + 512);
    for (size_t size = 0; size < end; size += 97) {
      Put(cut, bytes.substr(0, size));
      EXPECT_FALSE(Check(cut).ok()) << form << " cut to " << size << " of " << bytes.size();
    }
  }
}

TEST_F(BackupTest, RefusesWhatIsNoBackup) {
  EXPECT_EQ(Check(Path("nothing")).code(), StatusCode::kNotFound);
  Put(Path("text.tar"), "hello\n");
  EXPECT_EQ(Check(Path("text.tar")).code(), StatusCode::kDataLoss);
  fs::create_directory(Path("empty"));
  EXPECT_EQ(Check(Path("empty")).code(), StatusCode::kDataLoss);
  ASSERT_TRUE(Write(Path("b"), {{TableKey("a", "k"), "v"}}).ok());
  Put(Path("b/other"), "?");
  EXPECT_NE(MessageOf(Check(Path("b"))).find("other: "), std::string::npos);
  EXPECT_EQ(Check("/dev/null").code(), StatusCode::kFailedPrecondition);
}

TEST_F(BackupTest, RefusesAnotherFormat) {
  ASSERT_TRUE(Write(Path("b"), {}).ok());
  std::string json = Slurp(Path("b/manifest.json"));
  const size_t at = json.find("\"format\": 1");
  ASSERT_NE(at, std::string::npos);
  Put(Path("b/manifest.json"), json.replace(at, 11, "\"format\": 2"));
  EXPECT_EQ(Check(Path("b")).code(), StatusCode::kFailedPrecondition);
}

TEST_F(BackupTest, GivesAnErrorOfItsReaderWithThePlace) {
  ASSERT_TRUE(Write(Path("b"), {{TableKey("a", "k"), "v"}}).ok());
  const Status status = ReadBackup(Path("b"), [](std::string_view, std::string_view) {
                          return DataLoss("no!");
                        }).status();
  EXPECT_NE(MessageOf(status).find("intents-000001: record at byte 0: no!"), std::string::npos);
}

// The bytes of the example in the document.
std::string ExampleBytes() {
  std::ifstream in("docs/protocols/backup.md");
  std::string digits;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = line == "```record";
      continue;
    }
    const std::string shown = inside ? line.substr(0, line.find('#')) : "";
    for (const char c : shown) {
      if (c != ' ') digits += c;
    }
  }
  return std::string(AsText(FromHex(digits).value_or(Bytes())));
}

TEST(RecordTest, IsAsTheDocumentShows) {
  std::string bytes;
  AppendRecord(NextKey("films"), NextValue(10), bytes);
  EXPECT_EQ(ToHex(AsBytes(bytes)), ToHex(AsBytes(ExampleBytes())));
}

TEST(IntentKeyTest, TellsTablesLogsAndTheirEnds) {
  const std::string row = TableKey("sites", "films");
  ASSERT_TRUE(ParseIntentKey(row));
  EXPECT_EQ(ParseIntentKey(row)->name, "sites");
  EXPECT_EQ(ParseIntentKey(row)->key, "films");
  const std::string entry = std::string("lfilms") + '\0' + NextValue(12);
  ASSERT_TRUE(ParseIntentKey(entry));
  EXPECT_EQ(ParseIntentKey(entry)->kind, IntentKey::Kind::kLog);
  EXPECT_EQ(ParseIntentKey(entry)->position, 12u);
  ASSERT_TRUE(ParseIntentKey(NextKey("films")));
  EXPECT_EQ(ParseIntentKey(NextKey("films"))->kind, IntentKey::Kind::kNext);
  EXPECT_FALSE(ParseIntentKey("x"));
  EXPECT_FALSE(ParseIntentKey("tsites"));
  EXPECT_FALSE(ParseIntentKey(entry.substr(0, 10)));
  EXPECT_FALSE(ParseIntentKey("znothing"));
}

TEST(ContentsTest, SaysWhatIsInIt) {
  Contents contents;
  Site films;
  films.name = "films";
  films.version = 3;
  films.hosts = {"films.example"};
  const Bytes bytes = Encode(films);
  stored::StoredSite site;
  site.set_site(bytes.data(), bytes.size());
  ASSERT_TRUE(contents.Add(TableKey("sites", "films"), site.SerializeAsString()).ok());
  ASSERT_TRUE(contents.Add(TableKey("site_versions", "films/3"), site.SerializeAsString()).ok());
  stored::StoredPurge purge;
  purge.add_keys(std::string(16, 'k'));
  ASSERT_TRUE(
      contents.Add(std::string("lfilms") + '\0' + NextValue(9), purge.SerializeAsString()).ok());
  ASSERT_TRUE(contents.Add(NextKey("films"), NextValue(10)).ok());
  ASSERT_TRUE(contents.Add(TableKey("later", "x"), "?").ok());
  const Contents::Site& read = contents.sites().at("films");
  EXPECT_EQ(read.version, 3u);
  EXPECT_EQ(read.versions, 1u);
  EXPECT_EQ(read.purges, 1u);
  EXPECT_EQ(read.purged_up_to, 9u);
  EXPECT_EQ(contents.unknown(), 1u);
}

TEST(ContentsTest, RefusesWhatAManagerCouldNotRead) {
  Contents contents;
  EXPECT_FALSE(contents.Add(TableKey("sites", "films"), "\xff").ok());
  EXPECT_FALSE(contents.Add(TableKey("sites", "films"), "").ok());
  EXPECT_FALSE(contents.Add(TableKey("engines", "north"), "").ok());
  EXPECT_FALSE(contents.Add(NextKey("films"), "12").ok());
  stored::StoredPurge purge;
  purge.add_keys("short");
  EXPECT_FALSE(
      contents.Add(std::string("lfilms") + '\0' + NextValue(9), purge.SerializeAsString()).ok());
}

}  // namespace
}  // namespace strata::farm::backup
