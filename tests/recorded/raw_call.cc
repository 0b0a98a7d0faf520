// Calls a manager with requests as they are, and prints its answers as they are: for recorded
// exchanges. Reads lines "METHOD REQUEST [COUNT]", the request in hex (- for an empty one); prints
// "CODE ANSWER..." for each, or the error's text behind its code. A stream that has no end is left
// after COUNT answers, which is code 0.
//
//   raw_call ADDRESS FOLDER-OF-CERTIFICATE < lines
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "common/hex.h"
#include "common/tls/grpc_credentials.h"
#include "common/tls/tls_files.h"

namespace {

using namespace strata;  // Status, hex

constexpr std::chrono::seconds kLimit(20);

std::string TextOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return "";
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

// One call at a time; every step is waited for.
class Caller {
 public:
  explicit Caller(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {}

  grpc::Status Call(const std::string& method, const std::string& request, size_t answers_max,
                    std::vector<std::string>& answers) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kLimit);
    const auto call = stub_.PrepareCall(&context, method, &queue_);
    call->StartCall(nullptr);
    if (Wait()) {
      const grpc::Slice slice(request);
      call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
      Wait();
      grpc::ByteBuffer answer;
      while (answers.size() < answers_max) {
        call->Read(&answer, nullptr);
        if (!Wait()) break;
        answers.push_back(TextOf(answer));
      }
    }
    const bool left = answers.size() == answers_max;
    if (left) context.TryCancel();
    grpc::Status status;
    call->Finish(&status, nullptr);
    Wait();
    return left ? grpc::Status::OK : status;
  }

 private:
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
};

int Run(const std::string& address, const std::string& folder) {
  const auto store = tls::TlsStore::Open({.authority = folder + "/ca.pem",
                                          .certificate = folder + "/certificate.pem",
                                          .key = folder + "/key.pem",
                                          .revocations = ""});
  if (!store.ok()) {
    std::cerr << MessageOf(store.status()) << "\n";
    return EXIT_FAILURE;
  }
  Caller caller(grpc::CreateChannel(address, tls::MakeChannelCredentials(*store)));
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string method;
    std::string hex;
    size_t answers_max = 0;
    words >> method >> hex;
    if (!(words >> answers_max)) answers_max = std::numeric_limits<size_t>::max();
    const auto request = hex == "-" ? std::optional<Bytes>(Bytes()) : FromHex(hex);
    if (!request) {
      std::cerr << "no hex: " << line << "\n";
      return EXIT_FAILURE;
    }
    std::vector<std::string> answers;
    const grpc::Status status =
        caller.Call(method, std::string(request->begin(), request->end()), answers_max, answers);
    std::cout << status.error_code();
    for (const std::string& answer : answers) {
      std::cout << " " << (answer.empty() ? "-" : ToHex(AsBytes(answer)));
    }
    if (!status.ok()) std::cout << " " << status.error_message();
    std::cout << std::endl;
  }
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "raw_call ADDRESS FOLDER-OF-CERTIFICATE\n";
    return EXIT_FAILURE;
  }
  return Run(argv[1], argv[2]);
}
