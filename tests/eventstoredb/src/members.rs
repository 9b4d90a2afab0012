//! What a server says of itself and of its cluster.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::faults::Faults;
use crate::generated::gossip_server::Gossip;
use crate::generated::server_features_server::ServerFeatures;
use crate::wire::{
    ClusterInfo, Empty, EndPoint, MemberInfo, SupportedMethod, SupportedMethods, Uuid, UuidValue,
};

/// A node of the cluster, as its members tell each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The host that clients reach it by.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it leads; else it follows.
    pub leads: bool,
    /// Whether the others hear of it.
    pub alive: bool,
}

/// The services that tell what is where.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) members: Arc<[Member]>,
    pub(crate) version: Arc<str>,
    pub(crate) faults: Arc<Faults>,
}

const FOLLOWER: i32 = 6;
const LEADER: i32 = 8;

#[tonic::async_trait]
impl Gossip for About {
    async fn read(&self, _: Request<Empty>) -> Result<Response<ClusterInfo>, Status> {
        self.faults.gossiped();
        let members = (1_u128..)
            .zip(self.members.iter())
            .map(|(number, member)| MemberInfo {
                instance_id: Some(Uuid {
                    value: Some(UuidValue::String(uuid::Uuid::from_u128(number).to_string())),
                }),
                time_stamp: 0,
                state: if member.leads { LEADER } else { FOLLOWER },
                is_alive: member.alive,
                http_end_point: Some(EndPoint { address: member.host.clone(), port: member.port.into() }),
            })
            .collect();
        Ok(Response::new(ClusterInfo { members }))
    }
}

#[tonic::async_trait]
impl ServerFeatures for About {
    async fn get_supported_methods(&self, _: Request<Empty>) -> Result<Response<SupportedMethods>, Status> {
        if let Some(code) = self.faults.features_asked() {
            return Err(Status::new(code, "not now"));
        }
        let methods = ["read", "append", "delete", "tombstone"]
            .into_iter()
            .map(|method| SupportedMethod {
                method_name: method.to_owned(),
                service_name: "event_store.client.streams.streams".to_owned(),
                features: Vec::new(),
            })
            .collect();
        let event_store_server_version = self.version.to_string();
        Ok(Response::new(SupportedMethods { methods, event_store_server_version }))
    }
}
