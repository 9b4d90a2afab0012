//! One person's data key: how texts are sealed under it, and how it is itself wrapped.
//!
//! A sealed value is, in base64 without padding,
//! form version (1 byte) ‖ id of the data key (4) ‖ nonce (12) ‖ ciphertext and tag: AES-256-GCM.
//! Bound to it (as associated data) are the form version, the event's id and the slot. The text is filled up
//! to a multiple of 64 bytes, so that its length tells little: a byte 0x80, then zeros (ISO/IEC 7816-4).
//!
//! A wrapped key is form version (1 byte) ‖ id of the key-encryption key (4) ‖ id of the data key (4) ‖ the
//! data key wrapped by RFC 3394 (40).

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use vouchsafe_events::{EventId, Held, Sealed, Slot};
use zeroize::Zeroizing;

use super::{CryptoError, WrappedKey};

/// The most bytes that a text may have to be sealed: far more than any form field takes, and far less than an
/// event may have.
pub const MAX_TEXT: usize = 8 * 1024;

/// The form that is written, of sealed values and of wrapped keys alike.
const FORM: u8 = 1;
/// Texts are filled up to a multiple of this.
const BLOCK: usize = 64;
/// Marks the end of the text.
const END: u8 = 0x80;

/// Names a data key among those that a person may come to have, or a key-encryption key among those that the
/// service may come to have.
pub(super) type KeyId = [u8; 4];

/// The key that data keys are wrapped under.
pub(super) struct WrappingKey {
    pub(super) id: KeyId,
    pub(super) key: Zeroizing<[u8; 32]>,
}

/// One person's key, in the clear.
pub(super) struct DataKey {
    id: KeyId,
    key: Zeroizing<[u8; 32]>,
}

/// Why a sealed value does not open, or a wrapped key does not unwrap: for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    /// A newer version may have written it.
    Form,
    /// It was made under another key.
    OtherKey,
    /// It was changed or moved.
    NotAuthentic,
}

impl Shut {
    /// The reason in words.
    pub(super) const fn why(self) -> &'static str {
        match self {
            Self::Form => "it has a form that is not known here",
            Self::OtherKey => "it was made under another key, or its key is lost",
            Self::NotAuthentic => "it was changed, or moved from its place",
        }
    }
}

impl DataKey {
    /// Draws a new key.
    pub(super) fn generate() -> Result<Self, CryptoError> {
        let (mut id, mut key) = ([0; 4], Zeroizing::new([0; 32]));
        rand::fill(&mut id)?;
        rand::fill(key.as_mut_slice())?;
        Ok(Self { id, key })
    }

    /// Wraps the key, for the store.
    pub(super) fn wrap(&self, under: &WrappingKey) -> Result<WrappedKey, CryptoError> {
        let mut wrapped = [0; 40];
        AesKek::new(&AES_256, under.key.as_slice())?.wrap(self.key.as_slice(), &mut wrapped)?;
        Ok(WrappedKey::from_bytes([&[FORM], &under.id[..], &self.id, &wrapped].concat()))
    }

    /// Unwraps a key that the store has kept.
    pub(super) fn unwrap(wrapped: &WrappedKey, under: &WrappingKey) -> Result<Self, Shut> {
        let (&form, rest) = wrapped.as_bytes().split_first().ok_or(Shut::Form)?;
        let (wrapped_under, rest) = rest.split_first_chunk::<4>().ok_or(Shut::Form)?;
        let (id, rest) = rest.split_first_chunk::<4>().ok_or(Shut::Form)?;
        if form != FORM || rest.len() != 40 {
            return Err(Shut::Form);
        }
        if *wrapped_under != under.id {
            return Err(Shut::OtherKey);
        }
        let mut key = Zeroizing::new([0; 32]);
        let kek = AesKek::new(&AES_256, under.key.as_slice()).map_err(|_| Shut::NotAuthentic)?;
        kek.unwrap(rest, key.as_mut_slice()).map_err(|_| Shut::NotAuthentic)?;
        Ok(Self { id: *id, key })
    }

    /// Seals a text for one place.
    pub(super) fn seal(&self, event: EventId, slot: Slot, text: &str) -> Result<Sealed, CryptoError> {
        // Room for the tag as well: the text must not be left behind in a buffer that was outgrown.
        let padded = (text.len() + 1).next_multiple_of(BLOCK);
        let mut sealed = Vec::with_capacity(padded + AES_256_GCM.tag_len());
        sealed.extend_from_slice(text.as_bytes());
        sealed.push(END);
        sealed.resize(padded, 0);
        let nonce = self.cipher()?.seal_in_place_append_tag(bound(event, slot), &mut sealed)?;
        let value = [&[FORM], &self.id[..], nonce.as_ref(), &sealed].concat();
        Ok(Sealed::from_base64(BASE64.encode(value)))
    }

    /// Opens a value that was sealed for the place where it stands.
    pub(super) fn open(&self, held: &Held) -> Result<Zeroizing<String>, Shut> {
        let mut value =
            Zeroizing::new(BASE64.decode(held.sealed.as_base64()).map_err(|_| Shut::NotAuthentic)?);
        let (form, rest) = value.split_first_mut().ok_or(Shut::Form)?;
        if *form != FORM {
            return Err(Shut::Form);
        }
        let (id, rest) = rest.split_first_chunk_mut::<4>().ok_or(Shut::NotAuthentic)?;
        if *id != self.id {
            return Err(Shut::OtherKey);
        }
        let (nonce, sealed) = rest.split_first_chunk_mut::<12>().ok_or(Shut::NotAuthentic)?;
        let text = self
            .cipher()
            .and_then(|cipher| {
                let nonce = Nonce::assume_unique_for_key(*nonce);
                Ok(cipher.open_in_place(nonce, bound(held.event, held.slot), sealed)?)
            })
            .map_err(|_| Shut::NotAuthentic)?;
        let end = text.iter().rposition(|byte| *byte != 0).ok_or(Shut::NotAuthentic)?;
        let Some((text, [END, ..])) = text.split_at_checked(end) else {
            return Err(Shut::NotAuthentic);
        };
        let text = std::str::from_utf8(text).map_err(|_| Shut::NotAuthentic)?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, CryptoError> {
        Ok(RandomizedNonceKey::new(&AES_256_GCM, self.key.as_slice())?)
    }
}

/// What a sealed value is bound to.
fn bound(event: EventId, slot: Slot) -> Aad<Vec<u8>> {
    Aad::from([&[FORM], &event.uuid().as_bytes()[..], slot.as_str().as_bytes()].concat())
}
