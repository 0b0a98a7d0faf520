#include "multicast/driver/settings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>

#include "common/settings/settings.h"
#include "common/settings/settings_schema.h"
#include "common/status.h"
#include "gtest/gtest.h"

namespace strata::multicast {
namespace {

using std::chrono::milliseconds;

const std::string kMinimal = R"(
group_id: 5
member_id: 17
role: engine
interface: eth1
group_address: 239.5.0.1
state_file: /var/lib/strata/multicast.state
)";

StatusOr<GroupOptions> Load(const std::string& yaml) {
  v1::MulticastSettings settings;
  STRATA_RETURN_IF_ERROR(LoadSettings("engine.yaml", yaml, &settings));
  return ToGroupOptions(settings, "engine.yaml", "multicast");
}

std::string ErrorsOf(const std::string& yaml) {
  auto options = Load(yaml);
  return options.ok() ? "" : MessageOf(options.status());
}

TEST(MulticastSettingsTest, TheSchemaIsSound) {
  EXPECT_TRUE(CheckSettingsSchema(*v1::MulticastSettings::descriptor()).ok());
}

TEST(MulticastSettingsTest, TheDefaultsAreThoseOfTheCore) {
  auto options = Load(kMinimal);
  ASSERT_TRUE(options.ok()) << MessageOf(options.status());
  const CoreSettings want;
  const CoreSettings& got = options->core;
  EXPECT_EQ(got.heartbeat_interval, want.heartbeat_interval);
  EXPECT_EQ(got.detection_timeout, want.detection_timeout);
  EXPECT_EQ(got.stall_timeout, want.stall_timeout);
  EXPECT_EQ(got.ack_tick, want.ack_tick);
  EXPECT_EQ(got.pack_delay, want.pack_delay);
  EXPECT_EQ(got.reorder_delay, want.reorder_delay);
  EXPECT_EQ(got.repair_initial, want.repair_initial);
  EXPECT_EQ(got.repair_min, want.repair_min);
  EXPECT_EQ(got.repair_max, want.repair_max);
  EXPECT_EQ(got.propose_retry, want.propose_retry);
  EXPECT_EQ(got.propose_backoff, want.propose_backoff);
  EXPECT_EQ(got.collect_timeout, want.collect_timeout);
  EXPECT_EQ(got.takeover_stagger, want.takeover_stagger);
  EXPECT_EQ(got.view_wait, want.view_wait);
  EXPECT_EQ(got.join_interval, want.join_interval);
  EXPECT_EQ(got.found_wait, want.found_wait);
  EXPECT_EQ(got.prepare_timeout, want.prepare_timeout);
  EXPECT_EQ(got.reply_timeout, want.reply_timeout);
  EXPECT_EQ(got.fanout_after, want.fanout_after);
  EXPECT_EQ(got.fanout_heal, want.fanout_heal);
  EXPECT_EQ(got.admission_tries, want.admission_tries);
  EXPECT_EQ(got.receive_records, want.receive_records);
  EXPECT_EQ(got.window_initial, want.window_initial);
  EXPECT_EQ(got.window_max, want.window_max);
  EXPECT_EQ(got.send_queue_records, want.send_queue_records);
  EXPECT_EQ(got.log_records_max, want.log_records_max);
  EXPECT_EQ(got.retain_records, want.retain_records);
  EXPECT_EQ(got.learner_queue_records, want.learner_queue_records);
  EXPECT_EQ(got.quorum_none, want.quorum_none);
  EXPECT_EQ(got.allow_fan_out, want.allow_fan_out);
  EXPECT_EQ(got.found, want.found);
}

TEST(MulticastSettingsTest, TheDefaultsAreThoseOfTheSockets) {
  auto options = Load(kMinimal);
  ASSERT_TRUE(options.ok());
  const SocketSettings want;
  const SocketSettings& got = options->sockets;
  EXPECT_EQ(got.address, want.address);
  EXPECT_EQ(got.unicast_port, want.unicast_port);
  EXPECT_EQ(got.ttl, want.ttl);
  EXPECT_EQ(got.loopback, want.loopback);
  EXPECT_EQ(got.receive_buffer_bytes, want.receive_buffer_bytes);
  EXPECT_EQ(got.send_buffer_bytes, want.send_buffer_bytes);
  EXPECT_EQ(got.segmentation, want.segmentation);
  EXPECT_EQ(got.coalescing, want.coalescing);
  EXPECT_EQ(options->spin, GroupOptions().spin);
}

TEST(MulticastSettingsTest, TakesWhatTheFileSays) {
  auto options = Load(R"(
group_id: 5
member_id: 1
role: manager
priority: 2
interface: eth1
group_address: ff15::5:1
group_port: 9000
unicast_address: fd00::1
unicast_port: 9001
loopback: true
mtu: 9000
state_file: state
seeds: ["[fd00::2]:9001", "[fd00::3]:9001"]
found: true
timers:
  heartbeat_interval: 10ms
  detection_timeout: 40ms
capacity:
  window_max: 4096
)");
  ASSERT_TRUE(options.ok()) << MessageOf(options.status());
  EXPECT_EQ(options->core.group, GroupId(5));
  EXPECT_EQ(options->member, MemberId(1));
  EXPECT_EQ(options->role, Role::kManager);
  EXPECT_EQ(options->priority, 2);
  EXPECT_EQ(options->mtu, 9000);
  EXPECT_EQ(ToString(options->sockets.group), "ff15::5:1");
  EXPECT_EQ(ToString(options->sockets.address), "fd00::1");
  EXPECT_EQ(options->sockets.port, 9000);
  EXPECT_EQ(options->sockets.unicast_port, 9001);
  EXPECT_TRUE(options->sockets.loopback);
  EXPECT_TRUE(options->core.found);
  ASSERT_EQ(options->core.seeds.size(), 2u);
  EXPECT_EQ(options->core.heartbeat_interval, milliseconds(10));
  EXPECT_EQ(options->core.detection_timeout, milliseconds(40));
  EXPECT_EQ(options->core.window_max, 4096u);
  EXPECT_EQ(options->core.window_initial, 512u);
}

TEST(MulticastSettingsTest, TellsFileLineAndKeyOfAValueOutOfRange) {
  std::string errors = ErrorsOf(kMinimal + "timers:\n  ack_tick: 1ns\n");
  EXPECT_NE(errors.find("engine.yaml:9:"), std::string::npos) << errors;
  EXPECT_NE(errors.find("timers.ack_tick"), std::string::npos) << errors;
}

TEST(MulticastSettingsTest, TellsAllThatDoesNotFitTogether) {
  std::string errors = ErrorsOf(kMinimal + R"(
found: true
unicast_address: fd00::1
mtu: 1000
timers: {detection_timeout: 100ms, repair_min: 20ms}
capacity: {receive_records: 16385, window_initial: 4096}
)");
  for (const char* key :
       {"multicast.found: ", "multicast.unicast_address: ", "multicast.mtu: ",
        "multicast.timers.detection_timeout: ", "multicast.timers.repair_initial: ",
        "multicast.capacity.receive_records: ", "multicast.capacity.window_initial: "}) {
    EXPECT_NE(errors.find(std::string("engine.yaml: ") + key), std::string::npos) << key << "\n"
                                                                                  << errors;
  }
}

TEST(MulticastSettingsTest, RefusesAGroupAddressThatIsNone) {
  std::string yaml = kMinimal;
  yaml.replace(yaml.find("239.5.0.1"), 9, "10.0.0.1 ");
  EXPECT_NE(ErrorsOf(yaml).find("multicast.group_address: "), std::string::npos);
}

TEST(MulticastSettingsTest, OnlyAnObserverForgets) {
  std::string yaml = kMinimal.substr(0, kMinimal.find("state_file"));
  EXPECT_NE(ErrorsOf(yaml).find("multicast.state_file: "), std::string::npos);
  yaml.replace(yaml.find("engine"), 6, "observer");
  EXPECT_EQ(ErrorsOf(yaml), "");
}

TEST(MulticastSettingsTest, ReadsTheKeysAndNamesAnExposedKeyFile) {
  std::string path = testing::TempDir() + "/settings_test.keys";
  std::ofstream(path) << "3 000102030405060708090a0b0c0d0e0f\n";
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  auto options = Load(kMinimal + "key_file: " + path + "\n");
  ASSERT_TRUE(options.ok()) << MessageOf(options.status());
  ASSERT_EQ(options->keys.size(), 1u);
  EXPECT_EQ(options->keys[0].id, 3);
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  std::string errors = ErrorsOf(kMinimal + "key_file: " + path + "\n");
  EXPECT_NE(errors.find("multicast.key_file: "), std::string::npos);
  EXPECT_NE(errors.find(path), std::string::npos);
  unlink(path.c_str());
}

}  // namespace
}  // namespace strata::multicast
