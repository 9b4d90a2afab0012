//! Writes the servers' traits and routes; the messages are written by hand in `src/wire.rs`.

use tonic_build::manual::{Builder, Method, Service};

fn method(name: &str, route: &str, input: &str, output: &str) -> tonic_build::manual::MethodBuilder {
    Method::builder()
        .name(name)
        .route_name(route)
        .input_type(format!("crate::wire::{input}"))
        .output_type(format!("crate::wire::{output}"))
        .codec_path("tonic::codec::ProstCodec")
}

fn main() {
    let streams = Service::builder()
        .name("Streams")
        .package("event_store.client.streams")
        .method(method("read", "Read", "ReadReq", "ReadResp").server_streaming().build())
        .method(method("append", "Append", "AppendReq", "AppendResp").client_streaming().build())
        .method(method("delete", "Delete", "DeleteReq", "DeleteResp").build())
        .method(method("tombstone", "Tombstone", "DeleteReq", "DeleteResp").build())
        .build();
    let gossip = Service::builder()
        .name("Gossip")
        .package("event_store.client.gossip")
        .method(method("read", "Read", "Empty", "ClusterInfo").build())
        .build();
    let features = Service::builder()
        .name("ServerFeatures")
        .package("event_store.client.server_features")
        .method(method("get_supported_methods", "GetSupportedMethods", "Empty", "SupportedMethods").build())
        .build();
    Builder::new().build_client(false).compile(&[streams, gossip, features]);
    println!("cargo::rerun-if-changed=build.rs");
}
