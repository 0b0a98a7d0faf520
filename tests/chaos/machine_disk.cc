// Part of the library that is loaded before the C library (LD_PRELOAD): a disk whose power can be
// cut. Below the folder STRATA_CHAOS_DISK it keeps a journal, STRATA_CHAOS_JOURNAL, of what was
// synced and of what was not yet; what is unlinked or renamed over stays as a hard link in
// STRATA_CHAOS_SHADOW. From that power_cut.py makes what a cut would leave. Lines of the journal,
// fields with tabs between:
//
//   S inode length          the file's first bytes were synced
//   D folder                its entries were synced
//   C inode path            a file was made
//   R inode from to saved   a file got another name; saved: what had that name, or -
//   U inode path saved      a name went
//
// Files are believed to grow at their ends only, as those of a store do.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int OpenFile(const char* path, int flags, mode_t mode) {
  static auto* const next = Next<int(const char*, int, ...)>("open64");
  return next(path, flags, mode);
}

struct Disk {
  std::string folder;
  std::string shadow;
  int journal = -1;

  bool Has(std::string_view path) const {
    return journal >= 0 && path.starts_with(folder) && path.size() > folder.size() &&
           path[folder.size()] == '/';
  }
};

std::string Setting(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Disk MakeDisk() {
  Disk disk{.folder = Setting("STRATA_CHAOS_DISK"), .shadow = Setting("STRATA_CHAOS_SHADOW")};
  const std::string journal = Setting("STRATA_CHAOS_JOURNAL");
  if (!disk.folder.empty() && !journal.empty()) {
    disk.journal = OpenFile(journal.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  }
  return disk;
}

const Disk& TheDisk() {
  static const Disk* const disk = new Disk(MakeDisk());
  return *disk;
}

void Tell(const std::string& line) {
  const std::string text = line + "\n";
  // One write: lines of several threads do not mix. A journal that is full ends the run.
  if (write(TheDisk().journal, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    std::abort();
  }
}

std::string PathOf(int file) {
  char text[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  const ssize_t size = readlink(link.c_str(), text, sizeof text);
  return size > 0 ? std::string(text, size) : "";
}

std::string PathAt(int folder, const char* path) {
  if (path[0] == '/' || folder == AT_FDCWD) return path;
  return PathOf(folder) + "/" + path;
}

std::string InodeAt(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 ? std::to_string(info.st_ino) : "";
}

// Keeps what has this name; gives where, or "-".
std::string Save(const std::string& path) {
  static std::atomic<int> count{0};
  const std::string saved =
      TheDisk().shadow + "/" + std::to_string(getpid()) + "." + std::to_string(count.fetch_add(1));
  return link(path.c_str(), saved.c_str()) == 0 ? saved : "-";
}

int Sync(int file, int (*next)(int)) {
  struct stat info {};
  const bool counts =
      TheDisk().journal >= 0 && fstat(file, &info) == 0 && TheDisk().Has(PathOf(file) + "/");
  const int result = next(file);
  if (counts && result == 0) {
    const int error = errno;
    if (S_ISDIR(info.st_mode)) {
      Tell("D\t" + PathOf(file));
    } else {
      Tell("S\t" + std::to_string(info.st_ino) + "\t" + std::to_string(info.st_size));
    }
    errno = error;
  }
  return result;
}

int Made(int file, const std::string& path) {
  struct stat info {};
  const int error = errno;
  if (file >= 0 && fstat(file, &info) == 0) {
    Tell("C\t" + std::to_string(info.st_ino) + "\t" + path);
  }
  errno = error;
  return file;
}

// `next` opens; a file that was not there before is told.
template <typename Open>
int OpenAndTell(const std::string& path, int flags, const Open& next) {
  const bool makes = (flags & O_CREAT) != 0 && TheDisk().Has(path) && InodeAt(path).empty();
  const int file = next();
  return makes ? Made(file, path) : file;
}

template <typename Rename>
int RenameAndTell(const std::string& from, const std::string& to, const Rename& next) {
  if (TheDisk().Has(from) && TheDisk().Has(to)) {
    const std::string inode = InodeAt(from);
    if (!inode.empty()) Tell("R\t" + inode + "\t" + from + "\t" + to + "\t" + Save(to));
  }
  return next();
}

template <typename Unlink>
int UnlinkAndTell(const std::string& path, const Unlink& next) {
  if (TheDisk().Has(path)) {
    const std::string inode = InodeAt(path);
    const std::string saved = inode.empty() ? "-" : Save(path);
    if (saved != "-") Tell("U\t" + inode + "\t" + path + "\t" + saved);
  }
  return next();
}

mode_t ModeOf(int flags, va_list list) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0;
}

}  // namespace

extern "C" {

int open64(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = ModeOf(flags, list);
  va_end(list);
  return OpenAndTell(path, flags, [&] { return OpenFile(path, flags, mode); });
}

int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = ModeOf(flags, list);
  va_end(list);
  return OpenAndTell(path, flags, [&] { return OpenFile(path, flags, mode); });
}

int openat64(int folder, const char* path, int flags, ...) {
  static auto* const next = Next<int(int, const char*, int, ...)>("openat64");
  va_list list;
  va_start(list, flags);
  const mode_t mode = ModeOf(flags, list);
  va_end(list);
  return OpenAndTell(PathAt(folder, path), flags, [&] { return next(folder, path, flags, mode); });
}

int openat(int folder, const char* path, int flags, ...) {
  static auto* const next = Next<int(int, const char*, int, ...)>("openat");
  va_list list;
  va_start(list, flags);
  const mode_t mode = ModeOf(flags, list);
  va_end(list);
  return OpenAndTell(PathAt(folder, path), flags, [&] { return next(folder, path, flags, mode); });
}

FILE* fopen64(const char* path, const char* mode) {
  static auto* const next = Next<FILE*(const char*, const char*)>("fopen64");
  const bool makes = mode[0] != 'r' && TheDisk().Has(path) && InodeAt(path).empty();
  FILE* file = next(path, mode);
  if (makes && file != nullptr) Made(fileno(file), path);
  return file;
}

FILE* fopen(const char* path, const char* mode) { return fopen64(path, mode); }

int fsync(int file) {
  static auto* const next = Next<int(int)>("fsync");
  return Sync(file, next);
}

int fdatasync(int file) {
  static auto* const next = Next<int(int)>("fdatasync");
  return Sync(file, next);
}

int rename(const char* from, const char* to) {
  static auto* const next = Next<int(const char*, const char*)>("rename");
  return RenameAndTell(from, to, [&] { return next(from, to); });
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  static auto* const next = Next<int(int, const char*, int, const char*)>("renameat");
  return RenameAndTell(PathAt(from_folder, from), PathAt(to_folder, to),
                       [&] { return next(from_folder, from, to_folder, to); });
}

int unlink(const char* path) {
  static auto* const next = Next<int(const char*)>("unlink");
  return UnlinkAndTell(path, [&] { return next(path); });
}

int remove(const char* path) {
  static auto* const next = Next<int(const char*)>("remove");
  return UnlinkAndTell(path, [&] { return next(path); });
}

int unlinkat(int folder, const char* path, int flags) {
  static auto* const next = Next<int(int, const char*, int)>("unlinkat");
  if ((flags & AT_REMOVEDIR) != 0) return next(folder, path, flags);
  return UnlinkAndTell(PathAt(folder, path), [&] { return next(folder, path, flags); });
}

}  // extern "C"
