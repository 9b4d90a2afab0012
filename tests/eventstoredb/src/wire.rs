//! The messages of the public gRPC contract (`event_store.client.*`), as far as they are used here. Only the
//! field numbers and types come from there: they are what both sides must agree on.

use std::collections::HashMap;

use bytes::Bytes;
use prost::{Message, Oneof};

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Empty {}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct StreamIdentifier {
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) stream_name: Bytes,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Uuid {
    #[prost(oneof = "UuidValue", tags = "1, 2")]
    pub(crate) value: Option<UuidValue>,
}

#[derive(Clone, PartialEq, Eq, Oneof)]
pub(crate) enum UuidValue {
    #[prost(message, tag = "1")]
    Structured(StructuredUuid),
    #[prost(string, tag = "2")]
    String(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct StructuredUuid {
    #[prost(int64, tag = "1")]
    pub(crate) most_significant_bits: i64,
    #[prost(int64, tag = "2")]
    pub(crate) least_significant_bits: i64,
}

/// A position as requests and answers carry it: commit and prepare.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Position {
    #[prost(uint64, tag = "1")]
    pub(crate) commit: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) prepare: u64,
}

// Streams.Read

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ReadReq {
    #[prost(message, optional, tag = "1")]
    pub(crate) options: Option<ReadOptions>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ReadOptions {
    #[prost(oneof = "StreamOption", tags = "1, 2")]
    pub(crate) stream: Option<StreamOption>,
    #[prost(int32, tag = "3")]
    pub(crate) direction: i32,
    #[prost(bool, tag = "4")]
    pub(crate) resolve_links: bool,
    #[prost(oneof = "CountOption", tags = "5, 6")]
    pub(crate) count: Option<CountOption>,
    #[prost(oneof = "FilterOption", tags = "7, 8")]
    pub(crate) filter: Option<FilterOption>,
    #[prost(message, optional, tag = "9")]
    pub(crate) uuid: Option<UuidOption>,
    #[prost(message, optional, tag = "10")]
    pub(crate) control: Option<ControlOption>,
}

#[derive(Clone, PartialEq, Eq, Oneof)]
pub(crate) enum StreamOption {
    #[prost(message, tag = "1")]
    Stream(StreamOptions),
    #[prost(message, tag = "2")]
    All(AllOptions),
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct StreamOptions {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
    #[prost(oneof = "RevisionOption", tags = "2, 3, 4")]
    pub(crate) revision: Option<RevisionOption>,
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum RevisionOption {
    #[prost(uint64, tag = "2")]
    Revision(u64),
    #[prost(message, tag = "3")]
    Start(Empty),
    #[prost(message, tag = "4")]
    End(Empty),
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct AllOptions {
    #[prost(oneof = "AllOption", tags = "1, 2, 3")]
    pub(crate) position: Option<AllOption>,
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum AllOption {
    #[prost(message, tag = "1")]
    Position(Position),
    #[prost(message, tag = "2")]
    Start(Empty),
    #[prost(message, tag = "3")]
    End(Empty),
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum CountOption {
    #[prost(uint64, tag = "5")]
    Count(u64),
    #[prost(message, tag = "6")]
    Subscription(Empty),
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum FilterOption {
    /// A filter, whatever is in it: none is served here.
    #[prost(message, tag = "7")]
    Filter(Empty),
    #[prost(message, tag = "8")]
    NoFilter(Empty),
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct UuidOption {
    #[prost(oneof = "UuidForm", tags = "1, 2")]
    pub(crate) form: Option<UuidForm>,
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum UuidForm {
    #[prost(message, tag = "1")]
    Structured(Empty),
    #[prost(message, tag = "2")]
    String(Empty),
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct ControlOption {
    #[prost(uint32, tag = "1")]
    pub(crate) compatibility: u32,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ReadResp {
    #[prost(oneof = "ReadContent", tags = "1, 2, 4, 5, 6")]
    pub(crate) content: Option<ReadContent>,
}

#[expect(clippy::large_enum_variant, reason = "nearly all are the large one")]
#[derive(Clone, PartialEq, Eq, Oneof)]
pub(crate) enum ReadContent {
    #[prost(message, tag = "1")]
    Event(ReadEvent),
    #[prost(message, tag = "2")]
    Confirmation(Confirmation),
    #[prost(message, tag = "4")]
    StreamNotFound(StreamNotFound),
    #[prost(uint64, tag = "5")]
    FirstStreamPosition(u64),
    #[prost(uint64, tag = "6")]
    LastStreamPosition(u64),
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Confirmation {
    #[prost(string, tag = "1")]
    pub(crate) subscription_id: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct StreamNotFound {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ReadEvent {
    #[prost(message, optional, tag = "1")]
    pub(crate) event: Option<RecordedEvent>,
    #[prost(message, optional, tag = "2")]
    pub(crate) link: Option<RecordedEvent>,
    #[prost(oneof = "EventPosition", tags = "3, 4")]
    pub(crate) position: Option<EventPosition>,
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum EventPosition {
    #[prost(uint64, tag = "3")]
    Commit(u64),
    #[prost(message, tag = "4")]
    None(Empty),
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct RecordedEvent {
    #[prost(message, optional, tag = "1")]
    pub(crate) id: Option<Uuid>,
    #[prost(message, optional, tag = "2")]
    pub(crate) stream: Option<StreamIdentifier>,
    #[prost(uint64, tag = "3")]
    pub(crate) revision: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) prepare: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) commit: u64,
    #[prost(map = "string, string", tag = "6")]
    pub(crate) metadata: HashMap<String, String>,
    #[prost(bytes = "bytes", tag = "7")]
    pub(crate) custom_metadata: Bytes,
    #[prost(bytes = "bytes", tag = "8")]
    pub(crate) data: Bytes,
}

// Streams.Append

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct AppendReq {
    #[prost(oneof = "AppendContent", tags = "1, 2")]
    pub(crate) content: Option<AppendContent>,
}

#[derive(Clone, PartialEq, Eq, Oneof)]
pub(crate) enum AppendContent {
    #[prost(message, tag = "1")]
    Options(WriteOptions),
    #[prost(message, tag = "2")]
    Proposed(ProposedMessage),
}

/// What an append and a deletion say of the stream.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct WriteOptions {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
    #[prost(oneof = "ExpectedRevision", tags = "2, 3, 4, 5")]
    pub(crate) expected: Option<ExpectedRevision>,
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum ExpectedRevision {
    #[prost(uint64, tag = "2")]
    Revision(u64),
    #[prost(message, tag = "3")]
    NoStream(Empty),
    #[prost(message, tag = "4")]
    Any(Empty),
    #[prost(message, tag = "5")]
    StreamExists(Empty),
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ProposedMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) id: Option<Uuid>,
    #[prost(map = "string, string", tag = "2")]
    pub(crate) metadata: HashMap<String, String>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) custom_metadata: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) data: Bytes,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct AppendResp {
    #[prost(oneof = "AppendResult", tags = "1, 2")]
    pub(crate) result: Option<AppendResult>,
}

#[derive(Clone, PartialEq, Eq, Oneof)]
pub(crate) enum AppendResult {
    #[prost(message, tag = "1")]
    Success(AppendSuccess),
    #[prost(message, tag = "2")]
    WrongExpectedVersion(WrongExpectedVersion),
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct AppendSuccess {
    #[prost(oneof = "SuccessRevision", tags = "1, 2")]
    pub(crate) revision: Option<SuccessRevision>,
    #[prost(oneof = "SuccessPosition", tags = "3, 4")]
    pub(crate) position: Option<SuccessPosition>,
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum SuccessRevision {
    #[prost(uint64, tag = "1")]
    Current(u64),
    #[prost(message, tag = "2")]
    NoStream(Empty),
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum SuccessPosition {
    #[prost(message, tag = "3")]
    Position(Position),
    #[prost(message, tag = "4")]
    None(Empty),
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct WrongExpectedVersion {
    #[prost(oneof = "CurrentRevision", tags = "6, 7")]
    pub(crate) current: Option<CurrentRevision>,
    #[prost(oneof = "ExpectedWas", tags = "8, 9, 10, 11")]
    pub(crate) expected: Option<ExpectedWas>,
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum CurrentRevision {
    #[prost(uint64, tag = "6")]
    Revision(u64),
    #[prost(message, tag = "7")]
    NoStream(Empty),
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum ExpectedWas {
    #[prost(uint64, tag = "8")]
    Revision(u64),
    #[prost(message, tag = "9")]
    Any(Empty),
    #[prost(message, tag = "10")]
    StreamExists(Empty),
    #[prost(message, tag = "11")]
    NoStream(Empty),
}

// Streams.Delete and Streams.Tombstone, which look alike.

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct DeleteReq {
    #[prost(message, optional, tag = "1")]
    pub(crate) options: Option<WriteOptions>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct DeleteResp {
    #[prost(oneof = "DeletePosition", tags = "1, 2")]
    pub(crate) position: Option<DeletePosition>,
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum DeletePosition {
    #[prost(message, tag = "1")]
    Position(Position),
    #[prost(message, tag = "2")]
    None(Empty),
}

// Gossip.Read

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ClusterInfo {
    #[prost(message, repeated, tag = "1")]
    pub(crate) members: Vec<MemberInfo>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct MemberInfo {
    #[prost(message, optional, tag = "1")]
    pub(crate) instance_id: Option<Uuid>,
    #[prost(int64, tag = "2")]
    pub(crate) time_stamp: i64,
    #[prost(int32, tag = "3")]
    pub(crate) state: i32,
    #[prost(bool, tag = "4")]
    pub(crate) is_alive: bool,
    #[prost(message, optional, tag = "5")]
    pub(crate) http_end_point: Option<EndPoint>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct EndPoint {
    #[prost(string, tag = "1")]
    pub(crate) address: String,
    #[prost(uint32, tag = "2")]
    pub(crate) port: u32,
}

// ServerFeatures.GetSupportedMethods

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct SupportedMethods {
    #[prost(message, repeated, tag = "1")]
    pub(crate) methods: Vec<SupportedMethod>,
    #[prost(string, tag = "2")]
    pub(crate) event_store_server_version: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct SupportedMethod {
    #[prost(string, tag = "1")]
    pub(crate) method_name: String,
    #[prost(string, tag = "2")]
    pub(crate) service_name: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) features: Vec<String>,
}
