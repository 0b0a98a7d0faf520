#include "multicast/driver/application.h"

namespace strata::multicast {

GroupApplication::~GroupApplication() = default;
std::optional<PrepareAnswer> GroupApplication::OnPrepare(const PrepareAction&) {
  return PrepareAnswer();
}
void GroupApplication::OnSendDone(const SendDoneAction&) {}
void GroupApplication::OnViewChanged(const ViewChangedAction&) {}
void GroupApplication::OnLeftView(const LeftViewAction&) {}
void GroupApplication::OnDiverged(const DivergedAction&) {}
std::optional<Bytes> GroupApplication::OnTakeSnapshot(const TakeSnapshotAction&) { return Bytes(); }
void GroupApplication::OnInstallSnapshot(const InstallSnapshotAction&) {}
void GroupApplication::OnRotateKey(const RotateKeyAction&) {}
void GroupApplication::OnAlarm(const AlarmAction&) {}
void GroupApplication::OnStorageError(const std::string&) {}

}  // namespace strata::multicast
