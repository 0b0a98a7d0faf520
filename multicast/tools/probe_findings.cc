#include "multicast/tools/probe_findings.h"

#include <algorithm>
#include <cstdio>
#include <set>

namespace strata::multicast {
namespace {

using Findings = std::vector<std::string>;
using Members = std::map<MemberId, ProbedMember>;

bool Works(const ProbedMember& member, ProbePath path) { return member.path(path).answered > 0; }

std::string Name(const ProbedMember& member) {
  return "member " + std::to_string(member.info.id.value());
}

std::string Percent(double value) {
  char text[16];
  std::snprintf(text, sizeof(text), "%.1f %%", value);
  return text;
}

constexpr std::string_view kSnooping =
    "look at IGMP/MLD snooping and its querier, and at the firewalls";

void ExplainNobody(const ProbeVerdictInput& input, Findings& findings) {
  if (!input.members.empty() || !input.rejected.empty()) return;
  findings.push_back(
      "nobody was heard, and nobody answered: check address, port and interface, and whether a "
      "member runs; with --seed a member is asked by unicast");
}

// What arrived and was not taken tells of a wrong command line or a foreign group.
void ExplainRejected(const ProbeVerdictInput& input, Findings& findings) {
  static constexpr std::pair<std::string_view, std::string_view> kCauses[] = {
      {"foreign_group", "are of another group: check --group"},
      {"wrong_security", "are sealed and no keys were given, or are open and keys were given"},
      {"unknown_key", "are sealed with a key that the key file does not have"},
      {"forged", "do not verify: this key file has another key of that number"},
      {"bad_version", "are of a version that this program does not know"},
      {"bad_magic", "are of another program that uses this address"},
      {"own_packet", "bear this program's own member id: choose another with --id"},
  };
  for (const auto& [reason, text] : kCauses) {
    const auto found = input.rejected.find(reason);
    if (found == input.rejected.end()) continue;
    findings.push_back(std::to_string(found->second) + " packets " + std::string(text));
  }
}

bool NoMulticastAtAll(const Members& members) {
  return !members.empty() && std::all_of(members.begin(), members.end(), [](const auto& item) {
    return MulticastReach(item.second) == Reach::kNot && !item.second.heard;
  });
}

void ExplainReach(const ProbedMember& member, bool nobody_by_multicast, Findings& findings) {
  const Reach reach = MulticastReach(member);
  if (!UnicastReach(member) && reach != Reach::kBothWays) {
    if (member.heard) {
      findings.push_back(Name(member) + " is heard by multicast, but answers nothing: its way to " +
                         "here is open, the way there is not, or it answers no strangers");
    } else {
      findings.push_back(Name(member) + " does not answer");
    }
    return;
  }
  if (!UnicastReach(member)) {
    findings.push_back(Name(member) +
                       " answers multicast but not unicast: look at routes and firewalls");
  }
  if (nobody_by_multicast) return;
  switch (reach) {
    case Reach::kBothWays:
      break;
    case Reach::kToIt:
      findings.push_back(Name(member) +
                         " hears multicast from here, but its own does not arrive: " +
                         std::string(kSnooping) + " on the way from it");
      break;
    case Reach::kFromIt:
      findings.push_back(Name(member) + " is heard by multicast, but does not hear it from here: " +
                         std::string(kSnooping) + " on the way to it");
      break;
    case Reach::kNot:
      findings.push_back(Name(member) +
                         " answers unicast but not multicast: " + std::string(kSnooping));
      break;
  }
}

void ExplainLoss(const ProbedMember& member, double percent_max, Findings& findings) {
  const double multicast = member.path(ProbePath::kMulticast).loss_percent();
  const double unicast = member.path(ProbePath::kUnicast).loss_percent();
  const bool by_multicast = MulticastReach(member) == Reach::kBothWays && multicast > percent_max;
  const bool by_unicast = UnicastReach(member) && unicast > percent_max;
  if (by_multicast && by_unicast) {
    findings.push_back(Name(member) + " loses " + Percent(multicast) + " by multicast and " +
                       Percent(unicast) + " by unicast: look at its link, and at a full buffer");
  } else if (by_multicast) {
    findings.push_back(Name(member) + " loses " + Percent(multicast) +
                       " by multicast and none to speak of by unicast: look at multicast over "
                       "Wi-Fi, storm control and rate limits of switches");
  } else if (by_unicast) {
    findings.push_back(Name(member) + " loses " + Percent(unicast) +
                       " by unicast: look at its link");
  }
}

void ExplainSize(const ProbedMember& member, size_t mtu, Findings& findings) {
  if (FullSizeWorks(member)) return;
  findings.push_back(Name(member) + " (MTU " + std::to_string(member.info.mtu) +
                     ") answers small packets, but not those of full size (MTU here " +
                     std::to_string(mtu) + "): something on the way has a smaller MTU");
}

void ExplainStatus(const ProbedMember& member, Findings& findings) {
  if (!member.answered) return;
  if (member.duplicate) {
    findings.push_back("two processes answer as " + Name(member) + ": an id belongs to one");
  }
  if (member.info.status == MemberStatus::kNone) {
    findings.push_back(Name(member) + " is in no view: it is joining, or nobody admits it");
  } else if (member.info.status == MemberStatus::kLearner) {
    findings.push_back(Name(member) + " is a learner: it does not have the state yet");
  }
}

// Members of different views, a missing SM, fan-out.
void ExplainViews(const Members& members, Findings& findings) {
  std::map<std::pair<Epoch, uint32_t>, std::vector<uint32_t>> views;
  bool fanned_out = false;
  for (const auto& [id, member] : members) {
    fanned_out |= member.fanned_out;
    if (member.answered && member.view_number != 0) {
      views[{member.epoch, member.view_number}].push_back(id.value());
    }
  }
  if (views.size() > 1) {
    std::string text = "members have different views:";
    for (const auto& [view, ids] : views) {
      text += " " + std::to_string(view.second) + " (epoch " + ToString(view.first) + ") has";
      for (const uint32_t id : ids) text += " " + std::to_string(id);
      text += ";";
    }
    text.back() = '.';
    findings.push_back(text + " If that stays so, the group is partitioned");
  }
  if (!views.empty()) {
    const MemberId sm = views.rbegin()->first.first.proposer;
    const auto found = members.find(sm);
    if (found == members.end() || !found->second.answered) {
      findings.push_back("the Service Manager, member " + std::to_string(sm.value()) +
                         ", does not answer");
    }
  }
  if (fanned_out) {
    findings.push_back(
        "the group is fanned out: it sends to each member by unicast, because multicast did not "
        "reach everybody");
  }
}

}  // namespace

Reach MulticastReach(const ProbedMember& member) {
  const bool both = Works(member, ProbePath::kMulticast);
  const bool there = both || Works(member, ProbePath::kThere);
  const bool back = both || Works(member, ProbePath::kBack) || member.heard;
  if (both || (there && back)) return Reach::kBothWays;
  if (there) return Reach::kToIt;
  return back ? Reach::kFromIt : Reach::kNot;
}

bool UnicastReach(const ProbedMember& member) { return Works(member, ProbePath::kUnicast); }

bool FullSizeWorks(const ProbedMember& member) {
  const auto broken = [&member](ProbePath small, ProbePath large) {
    return Works(member, small) && member.path(large).sent > 0 && !Works(member, large);
  };
  return !broken(ProbePath::kMulticast, ProbePath::kLargeMulticast) &&
         !broken(ProbePath::kUnicast, ProbePath::kLargeUnicast);
}

std::vector<std::string> FindFaults(const ProbeVerdictInput& input) {
  Findings findings;
  ExplainNobody(input, findings);
  ExplainRejected(input, findings);
  const bool none = NoMulticastAtAll(input.members);
  if (none) {
    findings.push_back("no multicast passes between this machine and the group, unicast does: " +
                       std::string(kSnooping) + ", and whether this is the right interface");
  }
  for (const auto& [id, member] : input.members) {
    ExplainReach(member, none, findings);
    ExplainLoss(member, input.loss_percent_max, findings);
    ExplainSize(member, input.mtu, findings);
    ExplainStatus(member, findings);
  }
  ExplainViews(input.members, findings);
  if (input.members_expected > input.members.size()) {
    findings.push_back("only " + std::to_string(input.members.size()) + " of " +
                       std::to_string(input.members_expected) + " members were found");
  }
  return findings;
}

}  // namespace strata::multicast
