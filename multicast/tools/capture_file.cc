#include "multicast/tools/capture_file.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

#include <array>
#include <utility>

#include "multicast/tools/frame.h"

namespace strata::multicast {

void CaptureFile::Closer::operator()(pcap* handle) const { pcap_close(handle); }

StatusOr<CaptureFile> CaptureFile::Open(const std::string& path, const std::string& filter) {
  FILE* stream = path == "-" ? stdin : fopen(path.c_str(), "rbe");
  if (stream == nullptr) return NotFound("%s: %s", path.c_str(), strerror(errno));
  STRATA_ASSIGN_OR_RETURN(CaptureFile file, FromStream(stream, path));
  if (filter.empty()) return file;
  bpf_program program{};
  pcap* handle = file.handle_.get();
  if (pcap_compile(handle, &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return InvalidArgument("filter \"%s\": %s", filter.c_str(), pcap_geterr(handle));
  }
  const int result = pcap_setfilter(handle, &program);
  pcap_freecode(&program);
  if (result != 0) {
    return InvalidArgument("filter \"%s\": %s", filter.c_str(), pcap_geterr(handle));
  }
  return file;
}

StatusOr<CaptureFile> CaptureFile::FromStream(FILE* stream, const std::string& name) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  Handle handle(pcap_fopen_offline(stream, error.data()));
  if (handle == nullptr) {
    if (stream != stdin) fclose(stream);
    return InvalidArgument("%s: no capture file: %s", name.c_str(), error.data());
  }
  CaptureFile file(std::move(handle), name);
  if (!KnowsLinkType(file.link_type())) {
    const char* type = pcap_datalink_val_to_name(file.link_type());
    return InvalidArgument("%s: captured on a link of type %s, which is not supported",
                           name.c_str(), type == nullptr ? "unknown" : type);
  }
  return file;
}

StatusOr<std::optional<CaptureFile::Frame>> CaptureFile::Next() {
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  const int result = pcap_next_ex(handle_.get(), &header, &bytes);
  if (result == PCAP_ERROR_BREAK) return std::optional<Frame>();
  if (result != 1) return DataLoss("%s: %s", name_.c_str(), pcap_geterr(handle_.get()));
  Frame frame;
  frame.time_micros = int64_t{header->ts.tv_sec} * 1'000'000 + header->ts.tv_usec;
  frame.bytes = ByteSpan(bytes, header->caplen);
  frame.cut = header->caplen < header->len;
  return std::optional<Frame>(frame);
}

int CaptureFile::link_type() const { return pcap_datalink(handle_.get()); }

}  // namespace strata::multicast
