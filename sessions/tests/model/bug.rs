//! The bugs that can be planted in the protocol, one at a time. The search must find each.

/// A way to get the protocol wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A change is written whether or not the record is still the one that was read.
    PutWithoutCondition,
    /// A write whose answer was lost is sent again with a new revision.
    NewRevisionOnResend,
    /// A write whose answer was lost is reported as not applied.
    LostAnswerIsNotApplied,
    /// A client whose time ends while its write is under way hears that nothing was applied.
    DeadlineIsNotApplied,
    /// A batch in doubt is sent again with those members that wait now.
    BatchFoldedAgainInDoubt,
    /// A new session whose answer was lost is sent again under the same id.
    CreateSentAgain,
    /// A delete does not look at the version.
    DeleteWithoutCondition,
    /// A delete by an id that was replaced twice ends at the second record, which only leads on.
    DeleteFollowsOnce,
    /// A delete by an id that a sign-in has ended is acknowledged.
    DeleteOfAnEndedId,
    /// A sign-in first binds the user under the old id, then moves the session to a new one.
    SignInInTwoSteps,
    /// After a sign-in the old id leads to the new one, as after a plain rotation.
    SignInWithGrace,
    /// A write that is not on the list counts as lost, though the list does not reach back to its base.
    ListNeedNotReachBack,
}
