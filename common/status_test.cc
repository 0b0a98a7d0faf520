#include "common/status.h"

#include <gtest/gtest.h>

#include <memory>

namespace strata {
namespace {

TEST(StatusTest, IsMadeFromAFormatAndArguments) {
  const Status status = NotFound("asset %d not at site %s", 7, "news");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(MessageOf(status), "asset 7 not at site news");
  EXPECT_EQ(ToString(status), "NOT_FOUND: asset 7 not at site news");
}

TEST(StatusTest, KeepsMessagesOfEveryLengthWhole) {
  for (const size_t size : {0, 1, 254, 255, 256, 257, 100000}) {
    const std::string text(size, 'x');
    EXPECT_EQ(MessageOf(Internal("%s", text.c_str())), text);
  }
}

TEST(StatusTest, HasOneMakerForEachCodeInUse) {
  EXPECT_EQ(AlreadyExists("x").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(DataLoss("x").code(), StatusCode::kDataLoss);
  EXPECT_EQ(DeadlineExceeded("x").code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(FailedPrecondition("x").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Internal("x").code(), StatusCode::kInternal);
  EXPECT_EQ(InvalidArgument("x").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(NotFound("x").code(), StatusCode::kNotFound);
  EXPECT_EQ(OutOfRange("x").code(), StatusCode::kOutOfRange);
  EXPECT_EQ(PermissionDenied("x").code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(ResourceExhausted("x").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Unavailable("x").code(), StatusCode::kUnavailable);
  EXPECT_EQ(Unimplemented("x").code(), StatusCode::kUnimplemented);
}

TEST(StatusTest, TakesATextAsItStands) {
  const Status status = MakeStatus(StatusCode::kInternal, "50 %s off");
  EXPECT_EQ(MessageOf(status), "50 %s off");
  EXPECT_TRUE(MakeStatus(StatusCode::kOk, "").ok());
  EXPECT_EQ(MessageOf(Ok()), "");
  EXPECT_EQ(ToString(Ok()), "OK");
}

StatusOr<std::unique_ptr<int>> Half(int n) {
  if (n % 2 != 0) return InvalidArgument("%d is odd", n);
  return std::make_unique<int>(n / 2);
}

StatusOr<int> Quarter(int n) {
  STRATA_ASSIGN_OR_RETURN(const std::unique_ptr<int> half, Half(n));
  int quarter = 0;
  STRATA_ASSIGN_OR_RETURN(quarter, [&]() -> StatusOr<int> {
    STRATA_ASSIGN_OR_RETURN(auto inner, Half(*half));
    return *inner;
  }());
  return quarter;
}

Status Check(int n, int* evaluated) {
  STRATA_RETURN_IF_ERROR((++*evaluated, Half(n)));
  if (n > 100)
    STRATA_RETURN_IF_ERROR(OutOfRange("%d is too big", n));
  else
    STRATA_RETURN_IF_ERROR(Ok());
  return Ok();
}

TEST(StatusMacrosTest, AssignTheValueOrLeaveWithTheStatus) {
  EXPECT_EQ(Quarter(12).value(), 3);
  EXPECT_EQ(MessageOf(Quarter(13).status()), "13 is odd");
  EXPECT_EQ(MessageOf(Quarter(14).status()), "7 is odd");
}

TEST(StatusMacrosTest, LeaveOnlyOnErrorAndEvaluateOnce) {
  int evaluated = 0;
  EXPECT_TRUE(Check(2, &evaluated).ok());
  EXPECT_EQ(evaluated, 1);
  EXPECT_EQ(MessageOf(Check(3, &evaluated)), "3 is odd");
  EXPECT_EQ(MessageOf(Check(102, &evaluated)), "102 is too big");
  EXPECT_EQ(evaluated, 3);
}

}  // namespace
}  // namespace strata
