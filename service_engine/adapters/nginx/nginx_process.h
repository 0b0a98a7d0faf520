#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/metrics.h"
#include "common/status.h"

namespace strata::engine {

struct NginxProcessOptions {
  std::string nginx;          // The program.
  std::string folder;         // Its prefix: nginx.conf and nginx.pid are in it.
  std::string status_socket;  // Where it tells the generation of its configuration.
  std::string error_log;
  std::function<bool()> ending = {};  // As NginxAdapterCallbacks has it.
};

// nginx as a child of this process: started, reloaded, started again whenever it dies, stopped. It
// ends with this process, however that ends; what an earlier life left behind is stopped at the
// start. All of nginx is one process group. Any thread may call any method, one at a time.
class NginxProcess {
 public:
  // `on_death` runs on this object's thread.
  NginxProcess(const NginxProcessOptions& options,
               std::function<void(const std::string& why)> on_death, MetricRegistry& metrics);
  ~NginxProcess();
  NginxProcess(const NginxProcess&) = delete;
  NginxProcess& operator=(const NginxProcess&) = delete;

  // Whether nginx accepts the configuration in this file: InvalidArgument with what it says.
  Status Test(const std::string& configuration) const;

  // Starts it with folder/nginx.conf and waits until it serves as of `generation`.
  Status Start(uint64_t generation);
  // The same for a configuration that has changed since. Requests go on.
  Status Reload(uint64_t generation);
  // Tells nginx to read the file again, and waits for nothing.
  void ReloadAgain() const;
  Status ReopenLogs() const;
  // Ends it at once, all of it, however it is: it is started again.
  void Kill() const;
  // Lets it finish for a while, then not; one that answers nothing has no such time. It is gone
  // afterwards.
  void Stop();

  // Asks its status socket: the body of what it says.
  StatusOr<std::string> Ask(std::string_view path) const;
  // What of it nginx has counted and not logged, and in which of its lives.
  struct Asked {
    uint64_t life = 0;
    uint64_t times = 0;
  };
  Asked asked() const;

  // Of its master; 0 while there is none.
  pid_t pid() const;

 private:
  class Supervisor;

  // Ends early if nginx dies, or if this master says that it cannot.
  Status AwaitGeneration(uint64_t generation, Duration limit, pid_t master) const;
  void StopStale() const;

  const NginxProcessOptions options_;
  const std::function<void(const std::string& why)> on_death_;
  Counter& deaths_;
  Counter& reloads_;
  std::unique_ptr<Supervisor> supervisor_;
};

}  // namespace strata::engine
