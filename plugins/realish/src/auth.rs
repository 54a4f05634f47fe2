//! Signed requests: the client's side signs, the venue's side verifies.

use hmac::{Hmac, KeyInit as _, Mac as _};
use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::{
    AdapterError, ErrorKind, ExposeSecret as _, OpenParams, SecretString, UnixNanos,
};
use sha2::Sha256;

/// The environment names of the secrets.
pub(crate) const KEY: &str = "INVESTBOT_API_KEY";
/// See [`KEY`].
pub(crate) const SECRET: &str = "INVESTBOT_API_SECRET";

/// A key and its secret. Printing it shows neither.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    key: SecretString,
    secret: SecretString,
}

/// A request as it goes over the wire.
pub(crate) struct Request<'a> {
    pub(crate) operation: &'static str,
    pub(crate) time: UnixNanos,
    pub(crate) body: &'a [u8],
    key: SecretString,
    signature: Vec<u8>,
}

impl Credentials {
    pub(crate) fn of(params: &OpenParams) -> Answer<Self> {
        let given = |name: &str| {
            let secret = params.secret(name)?;
            if secret.expose_secret().is_empty() {
                let text = format!("{name} is empty; set it to any text");
                return Err(AdapterError::not_sent(ErrorKind::Auth, text));
            }
            Ok(secret.clone())
        };
        Ok(Self {
            key: given(KEY)?,
            secret: given(SECRET)?,
        })
    }

    /// The client's side.
    pub(crate) fn sign<'a>(
        &self,
        operation: &'static str,
        time: UnixNanos,
        body: &'a [u8],
    ) -> Request<'a> {
        let mac = self.mac(operation, time, body).finalize();
        Request {
            operation,
            time,
            body,
            key: self.key.clone(),
            signature: mac.into_bytes().to_vec(),
        }
    }

    /// The venue's side.
    pub(crate) fn verify(&self, request: &Request<'_>) -> Answer<()> {
        let refused = |text: &str| {
            Err(AdapterError::rejected(ErrorKind::Auth, text).with_venue_code("SIGNATURE"))
        };
        if request.key.expose_secret() != self.key.expose_secret() {
            return refused("the API key is not known");
        }
        let mac = self.mac(request.operation, request.time, request.body);
        match mac.verify_slice(&request.signature) {
            Ok(()) => Ok(()),
            Err(_) => refused("the signature is not that of the API key's secret"),
        }
    }

    fn mac(&self, operation: &str, time: UnixNanos, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(self.secret.expose_secret().as_bytes())
            .expect("HMAC takes keys of any length");
        mac.update(operation.as_bytes());
        mac.update(b"\n");
        mac.update(&time.0.to_be_bytes());
        mac.update(body);
        mac
    }
}
