#include <memory>
#include <string>
#include <vector>

#include "cli/commands/families.h"
#include "cli/verbs.h"

namespace strata::cli {
namespace {

void AddLocate(Command& root) {
  const auto uri = std::make_shared<std::string>();
  const auto trace = std::make_shared<bool>(false);
  root.ManagerVerb("locate", "Who holds a content, and who would fetch it",
                   [uri, trace](Terminal& terminal, ManagerClient& manager) {
                     return *trace ? TraceLocation(terminal, manager, *uri)
                                   : Locate(terminal, manager, *uri);
                   })
      .Needs({"uri", "URI", "Such as http://films.example/a.mp4"}, *uri)
      .Flag("--trace", *trace, "Ask all managers on the way, and show it");
}

void AddList(Command& content) {
  const auto options = std::make_shared<ListContentOptions>();
  content
      .ManagerVerb("list", "List contents and their engines",
                   [options](Terminal& terminal, ManagerClient& manager) {
                     return ListContent(terminal, manager, *options);
                   })
      .Takes({"--site", "NAME", "Of this site only"}, options->site)
      .Takes({"--engine", "NAME", "Held by this engine only"}, options->engine)
      .Takes({"--limit", "N", "At most so many [1000]"}, options->limit);
}

void AddPurge(Command& content) {
  const auto uris = std::make_shared<std::vector<std::string>>();
  content
      .ManagerVerb("purge", "Drop contents at all engines, and wait until they confirm",
                   [uris](Terminal& terminal, ManagerClient& manager) {
                     return PurgeContent(terminal, manager, *uris);
                   })
      .Needs({"uri", "URI", "Contents to drop"}, *uris);
}

}  // namespace

void AddContentCommands(Command& root) {
  AddLocate(root);
  Command content = root.Group("content", "What the engines hold");
  AddList(content);
  AddPurge(content);
}

}  // namespace strata::cli
