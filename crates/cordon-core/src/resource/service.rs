use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Breaker, Price, Signature};
use crate::{DurationMs, Name, Sealed};

/// The wire protocol of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// OpenAI's HTTP API, and everything that speaks it.
    Openai,
    /// Anthropic's Messages API.
    Anthropic,
    /// The Open Inference Protocol, version 2: KServe, Triton, MLServer. The base URL ends in `/v2`.
    #[serde(rename = "openinference")]
    OpenInference,
    /// The scoring protocol of MLflow's model servers: `/invocations` below the base URL.
    Mlflow,
}

/// Where a secret lies. Never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// An environment variable: `env:NAME`.
    Env(String),
    /// A file, whose content without the final line break is the secret: `file:PATH`.
    File(String),
}

/// A text that is no reference to a secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "not a reference to a secret; help: write `env:NAME` or `file:/absolute/path`, never the secret itself"
)]
pub struct SecretRefError;

impl SecretRef {
    /// Reads `env:NAME` or `file:PATH`.
    ///
    /// # Errors
    /// For anything else. The text is not repeated, since it may be a secret.
    pub fn parse(text: &str) -> Result<Self, SecretRefError> {
        match text.split_once(':') {
            Some(("env", name))
                if !name.is_empty()
                    && name.len() <= 128
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') =>
            {
                Ok(Self::Env(name.to_owned()))
            }
            Some(("file", path)) if path.starts_with('/') && path.len() <= 1024 && !path.contains('\0') => {
                Ok(Self::File(path.to_owned()))
            }
            _ => Err(SecretRefError),
        }
    }
}

impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for SecretRef {
    fn schema_name() -> Cow<'static, str> {
        "SecretRef".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^(env:[A-Za-z0-9_]{1,128}|file:/.*)$",
            "description": "where the secret lies: `env:NAME` or `file:/absolute/path`; never the secret itself",
        })
    }
}

/// How long each step of an upstream call may take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// To connect, TLS included. Default 5s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<DurationMs>,
    /// From the request to the first byte of the answer. Default 60s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<DurationMs>,
    /// Between two pieces of the answer. Default 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<DurationMs>,
    /// For the whole answer. Default 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<DurationMs>,
}

/// What is different where Azure serves OpenAI's models by deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AzureSpec {
    /// The version of the API, such as `2024-10-21`. Requests go to `/deployments/UPSTREAM_NAME/…?api-version=…` below the
    /// base URL, which ends in `/openai`.
    pub api_version: String,
}

/// The certificate that a service is shown, where it wants to know who asks (mutual TLS).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// The file with the certificate and those between it and a root, in PEM, its own first. An absolute path.
    pub certificate: String,
    /// Where its private key lies, in PEM.
    pub key: SecretRef,
}

/// The most sensitive content that a service is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaxSensitivity {
    /// Nothing in which personal data or a secret was found.
    Unclassified,
    /// What leads to a person, too.
    Confidential,
    /// Anything.
    Restricted,
}

/// An upstream provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// Its wire protocol.
    pub protocol: Protocol,
    /// Where its API begins, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// Where the provider's key lies; absent for a service without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
    /// The certificate that Cordon shows it; absent for a service that asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ClientCertificate>,
    /// Whether it may have loopback and private addresses, and be reached without TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private_network: bool,
    /// Where the provider processes data, for the records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Name>,
    /// The most sensitive content that it is sent, in the classes of `cordon classify`; absent: any. A call of a stricter class goes to other
    /// targets of its route, and nowhere if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_sensitivity: Option<MaxSensitivity>,
    /// Paths and key of Azure OpenAI's deployments. Its v1 endpoint needs none of this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureSpec>,
    /// How long each step may take.
    #[serde(default, skip_serializing_if = "Timeouts::is_default")]
    pub timeouts: Timeouts,
    /// When one of its models is left alone, and how it comes back.
    #[serde(default, skip_serializing_if = "Breaker::is_default")]
    pub breaker: Breaker,
}

/// A model of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// The service that serves it.
    pub service: Name,
    /// The name that the service knows it by.
    pub upstream_name: String,
    /// What its tokens cost, in the order of their beginning. Without them its calls have no cost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<Price>,
    /// The most tokens of input that one image costs, for what budgets reserve. Default 50,000, above the dearest that a
    /// provider's price list has; its documentation says what holds for this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_tokens: Option<u64>,
    /// The field that bounds an answer for its service. Default `max_completion_tokens`.
    #[serde(default, skip_serializing_if = "OutputField::is_default")]
    pub output_field: OutputField,
    /// The version that an Open Inference service is asked for, where it serves several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_version: Option<String>,
    /// What a predictive model takes and gives, and what is checked of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Box<Signature>>,
}

/// How a request says how long its answer may be, where the caller leaves that open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputField {
    /// OpenAI's field of today.
    #[default]
    MaxCompletionTokens,
    /// Its older name, which many other servers know alone.
    MaxTokens,
}

impl OutputField {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Its name in a request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MaxCompletionTokens => "max_completion_tokens",
            Self::MaxTokens => "max_tokens",
        }
    }
}

impl Timeouts {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl ServiceSpec {
    pub(super) fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        Vec::new()
    }
}

impl ModelSpec {
    pub(super) fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        Vec::new()
    }
}
