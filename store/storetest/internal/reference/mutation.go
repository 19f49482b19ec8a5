package reference

// Mutation names the one rule that a mutant breaks. The names say how.
type Mutation string

// Conversations.
const (
	CreateIgnoresOwner    Mutation = "CreateIgnoresOwner"
	ForkIgnoresScope      Mutation = "ForkIgnoresScope"
	ForkStampsAnew        Mutation = "ForkStampsAnew"
	OwnerNotFirst         Mutation = "OwnerNotFirst"
	CreateTrustsCaller    Mutation = "CreateTrustsCaller"
	DeletedIsGone         Mutation = "DeletedIsGone"
	SharedRows            Mutation = "SharedRows"
	UpdateIgnoresDeletion Mutation = "UpdateIgnoresDeletion"
	UpdateAlwaysTouches   Mutation = "UpdateAlwaysTouches"
	DerivedOverwrites     Mutation = "DerivedOverwrites"
	DirectoryReplaced     Mutation = "DirectoryReplaced"
	RenameIsActivity      Mutation = "RenameIsActivity"
	RenameGrowsVersion    Mutation = "RenameGrowsVersion"
	DeleteTwiceMoves      Mutation = "DeleteTwiceMoves"
	DeleteLeavesQueued    Mutation = "DeleteLeavesQueued"
	DeleteKeepsFences     Mutation = "DeleteKeepsFences"
	RestoreAlwaysTouches  Mutation = "RestoreAlwaysTouches"
	RestoreRevives        Mutation = "RestoreRevives"
)

// The log.
const (
	TornPage                 Mutation = "TornPage"
	AfterIsInclusive         Mutation = "AfterIsInclusive"
	NoVersionCheck           Mutation = "NoVersionCheck"
	AppendIgnoresRuns        Mutation = "AppendIgnoresRuns"
	AppendIgnoresPending     Mutation = "AppendIgnoresPending"
	OrderReplayBeforeDeleted Mutation = "OrderReplayBeforeDeleted"
	AppendIgnoresDeletion    Mutation = "AppendIgnoresDeletion"
	OrderVersionBeforeReplay Mutation = "OrderVersionBeforeReplay"
	ReplayAnywhere           Mutation = "ReplayAnywhere"
	NoAppendReplay           Mutation = "NoAppendReplay"
	PartialReplayCompletes   Mutation = "PartialReplayCompletes"
	OrderBusyBeforeVersion   Mutation = "OrderBusyBeforeVersion"
	ConflictWithoutNumbers   Mutation = "ConflictWithoutNumbers"
	PartialAppend            Mutation = "PartialAppend"
	OrderPendingBeforeBusy   Mutation = "OrderPendingBeforeBusy"
	ReadThenWrite            Mutation = "ReadThenWrite"
	NoPromotionAfterAppend   Mutation = "NoPromotionAfterAppend"
	TimesPerMessage          Mutation = "TimesPerMessage"
	NormalisedJSON           Mutation = "NormalisedJSON"
	SeqByLength              Mutation = "SeqByLength"
	AppendIsNoActivity       Mutation = "AppendIsNoActivity"
	PendingStays             Mutation = "PendingStays"
	PreviewCleared           Mutation = "PreviewCleared"
	TailForgetsPeople        Mutation = "TailForgetsPeople"
)

// Starting, queueing, promoting, ending.
const (
	StartIgnoresVersion     Mutation = "StartIgnoresVersion"
	StartIgnoresPending     Mutation = "StartIgnoresPending"
	StartIgnoresDeletion    Mutation = "StartIgnoresDeletion"
	OrderVersionBeforeKey   Mutation = "OrderVersionBeforeKey"
	NoStartReplay           Mutation = "NoStartReplay"
	KeyIgnoresPayload       Mutation = "KeyIgnoresPayload"
	StartChecksApart        Mutation = "StartChecksApart"
	StartChecksApartBusy    Mutation = "StartChecksApartBusy"
	TwoActiveRuns           Mutation = "TwoActiveRuns"
	StartOrderPendingFirst  Mutation = "StartOrderPendingFirst"
	StartOrderBusyFirst     Mutation = "StartOrderBusyFirst"
	BusyNamesNoRun          Mutation = "BusyNamesNoRun"
	QueueUnbounded          Mutation = "QueueUnbounded"
	FrontIsBounded          Mutation = "FrontIsBounded"
	QueueNeedsSettles       Mutation = "QueueNeedsSettles"
	LastRunFollowsQueue     Mutation = "LastRunFollowsQueue"
	InterruptForgetsStop    Mutation = "InterruptForgetsStop"
	StartIsNoActivity       Mutation = "StartIsNoActivity"
	KeyIsGlobal             Mutation = "KeyIsGlobal"
	LastRunFollowsClaim     Mutation = "LastRunFollowsClaim"
	FenceStays              Mutation = "FenceStays"
	FencePerRun             Mutation = "FencePerRun"
	DeadlineMoves           Mutation = "DeadlineMoves"
	EndKeepsLease           Mutation = "EndKeepsLease"
	NoTerminalEvent         Mutation = "NoTerminalEvent"
	NudgesStayOpen          Mutation = "NudgesStayOpen"
	WaitingNudgeApplied     Mutation = "WaitingNudgeApplied"
	PromotionIgnoresPending Mutation = "PromotionIgnoresPending"
	PromotionStopsAtFirst   Mutation = "PromotionStopsAtFirst"
	PromotionIsLIFO         Mutation = "PromotionIsLIFO"
	PromotionIgnoresFront   Mutation = "PromotionIgnoresFront"
	PromotionKeepsBase      Mutation = "PromotionKeepsBase"
)

// Finishing, stopping, looking at runs.
const (
	NoFinishReplay           Mutation = "NoFinishReplay"
	FinishReplaysAnyAttempt  Mutation = "FinishReplaysAnyAttempt"
	FinishUnfenced           Mutation = "FinishUnfenced"
	LogUnfenced              Mutation = "LogUnfenced"
	FinishIgnoresVersion     Mutation = "FinishIgnoresVersion"
	ConflictEndsRun          Mutation = "ConflictEndsRun"
	FinishKeepsAnyEvents     Mutation = "FinishKeepsAnyEvents"
	FinishDropsEvents        Mutation = "FinishDropsEvents"
	EmptyFinishClearsPending Mutation = "EmptyFinishClearsPending"
	NoPromotionAfterFinish   Mutation = "NoPromotionAfterFinish"
	StopOverwritesEnd        Mutation = "StopOverwritesEnd"
	StopEndsRunning          Mutation = "StopEndsRunning"
	NoPromotionAfterStop     Mutation = "NoPromotionAfterStop"
	WideMayWrite             Mutation = "WideMayWrite"
	RunCursorIgnored         Mutation = "RunCursorIgnored"
	RunsOldestFirst          Mutation = "RunsOldestFirst"
)

// Claims and leases.
const (
	ClaimTakesQueued         Mutation = "ClaimTakesQueued"
	ClaimIgnoresLease        Mutation = "ClaimIgnoresLease"
	ClaimIgnoresStatus       Mutation = "ClaimIgnoresStatus"
	ClaimNeverRescues        Mutation = "ClaimNeverRescues"
	ClaimNewestFirst         Mutation = "ClaimNewestFirst"
	ClaimUnbounded           Mutation = "ClaimUnbounded"
	AttemptStands            Mutation = "AttemptStands"
	TakenNudgesStay          Mutation = "TakenNudgesStay"
	RenewUnfenced            Mutation = "RenewUnfenced"
	RenewRefusesLapsed       Mutation = "RenewRefusesLapsed"
	RenewForgetsLease        Mutation = "RenewForgetsLease"
	RenewReversed            Mutation = "RenewReversed"
	ReleaseFailsOnFenced     Mutation = "ReleaseFailsOnFenced"
	ReleaseFreesConversation Mutation = "ReleaseFreesConversation"
	ReleaseKeepsFence        Mutation = "ReleaseKeepsFence"
)

// Nudges, events, marks, hints.
const (
	NudgeStoredTwice     Mutation = "NudgeStoredTwice"
	NudgeForEndedRun     Mutation = "NudgeForEndedRun"
	NudgesUnfenced       Mutation = "NudgesUnfenced"
	NudgeTakenTwice      Mutation = "NudgeTakenTwice"
	NudgesNewestFirst    Mutation = "NudgesNewestFirst"
	EventsUnfenced       Mutation = "EventsUnfenced"
	EventsFailTogether   Mutation = "EventsFailTogether"
	EventsTakeGaps       Mutation = "EventsTakeGaps"
	EventsRefuseReplay   Mutation = "EventsRefuseReplay"
	EventsByFirst        Mutation = "EventsByFirst"
	NeverMore            Mutation = "NeverMore"
	MarksLeaveOutMissing Mutation = "MarksLeaveOutMissing"
	MarksReversed        Mutation = "MarksReversed"
	NotifyWaits          Mutation = "NotifyWaits"
	ListenReturnsContext Mutation = "ListenReturnsContext"
	ListenConcurrently   Mutation = "ListenConcurrently"
)

// Sweeping and purging.
const (
	SweepExpiresAll      Mutation = "SweepExpiresAll"
	SweepUnbounded       Mutation = "SweepUnbounded"
	RetentionZeroDeletes Mutation = "RetentionZeroDeletes"
	SweepEatsLiveEvents  Mutation = "SweepEatsLiveEvents"
	RetentionIgnored     Mutation = "RetentionIgnored"
	PurgeIgnoresTenant   Mutation = "PurgeIgnoresTenant"
	PurgeSparesDeleted   Mutation = "PurgeSparesDeleted"
	PurgeCountsPacks     Mutation = "PurgeCountsPacks"
	PurgeLeavesRuns      Mutation = "PurgeLeavesRuns"
	PurgeLeavesDirectory Mutation = "PurgeLeavesDirectory"
)

// Lists.
const (
	ListShowsDeleted   Mutation = "ListShowsDeleted"
	CursorIsInclusive  Mutation = "CursorIsInclusive"
	TotalIsRest        Mutation = "TotalIsRest"
	NextAlways         Mutation = "NextAlways"
	ListGivesOwner     Mutation = "ListGivesOwner"
	ListForgetsPeople  Mutation = "ListForgetsPeople"
	ListIgnoresChannel Mutation = "ListIgnoresChannel"
	ListIgnoresExclude Mutation = "ListIgnoresExclude"
	TextIsPattern      Mutation = "TextIsPattern"
	TextFoldsASCII     Mutation = "TextFoldsASCII"
	TextSpansFields    Mutation = "TextSpansFields"
	TextSkipsPreview   Mutation = "TextSkipsPreview"
	TitleCaseSensitive Mutation = "TitleCaseSensitive"
	ListUnstable       Mutation = "ListUnstable"
	UntitledFirst      Mutation = "UntitledFirst"
	ActivityByMinute   Mutation = "ActivityByMinute"
)

// Scope, time and contexts.
const (
	CancelledWrites       Mutation = "CancelledWrites"
	LocalTime             Mutation = "LocalTime"
	UpdatedAtMayStand     Mutation = "UpdatedAtMayStand"
	ForeignTenantSees     Mutation = "ForeignTenantSees"
	ForeignIsForbidden    Mutation = "ForeignIsForbidden"
	ForeignUserSees       Mutation = "ForeignUserSees"
	DirectoryIsMembership Mutation = "DirectoryIsMembership"
	RunsHaveNoScope       Mutation = "RunsHaveNoScope"
)
