@0xc3d60f7b92a8e415;
# Keys that never leave their service: signatures (Ed25519) and sealing (XChaCha20-Poly1305).

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxBytes;
using import "tessera.capnp".prefix;

const keysMax :UInt32 = 64;              # Of all holders together.
const keysOfHolderMax :UInt32 = 16;     # Of one.
const messageMaxBytes :UInt32 = 3072;    # That is signed, verified or sealed at once; of more, sign a hash.
const contextMaxBytes :UInt32 = 64;      # Of what names where something sealed belongs.
const sealOverheadBytes :UInt32 = 41;    # Which what is sealed is longer: version, nonce and tag.

struct KeyInfo $prefix("key_info") {
  # What may be known of a key.
  name @0 :Text;          # That its maker gave it.
  publicKey @1 :Data;     # 32 bytes, as in RFC 8032.
  holder @2 :UInt64;      # Who made it.
  createdNs @3 :UInt64;   # Since boot.
  signatures @4 :UInt64;  # That were made with it,
  seals @5 :UInt64;       # and messages that were sealed.
}

interface Keys @0x9b51e0c4d7f3a268 {
  # Makes keys, and finds those of the caller. A key belongs to who made it, and ends after him; others use it who were handed
  # the capability.
  # Keys outlive the service's process, and end with the machine: there is no store yet. Capabilities to a key that is gone
  # say so (`disconnected`), and never reach another one.

  generate @0 (name :Text $maxBytes(23)) -> (key :Key, publicKey :Data);
  # Makes a key under a name that the caller has not used. Overloaded: there is no entropy yet, or there are too many keys.

  open @1 (name :Text $maxBytes(23)) -> (found :Bool, key :Key) $repeatable;
  # A key of the caller's, by its name, with all uses.

  list @2 (first :UInt32) -> (keys :List(KeyInfo), total :UInt32) $repeatable;
  # The caller's keys, as many as fit, from number `first` of `total`.

  verify @3 (publicKey :Data $maxBytes(32), message :Data $maxBytes(3072), signature :Data $maxBytes(64))
         -> (good :Bool) $repeatable;
  # Whether the owner of any public key signed this message.

  device @4 () -> (publicKey :Data) $repeatable;
  # The public key of this machine's identity. It is made at the first boot; until there is a store every boot is the first.

  attest @5 (statement :Data $maxBytes(1024)) -> (signature :Data, speaker :Text) $repeatable;
  # The machine's signature over who says what: the bytes "tessera attestation 1", a zero, the caller's name with zeros behind it
  # to 24 bytes, and the statement. The name is what the supervisor calls the caller, so nobody speaks for somebody else.

  stats @6 () -> (stats :Stats) $repeatable;
  # How much is in use.

  struct Stats {
    # Of all holders together.
    keys @0 :UInt32;
    generated @1 :UInt64;  # Since the service started.
    signatures @2 :UInt64;
    seals @3 :UInt64;
    refused @4 :UInt64;    # Uses that the capability did not allow, and seals that did not open.
  }
}

interface Key @0xf48c27d1ae063b95 $prefix("key") {
  # One key. What the capability allows is part of it; a weaker one is made by `restrict`.

  info @0 () -> (info :KeyInfo, uses :Uses) $repeatable;
  # What may be known of it, and what this capability allows.

  sign @1 (message :Data $maxBytes(3072)) -> (signature :Data) $repeatable;
  # The signature, 64 bytes: the same for the same message (RFC 8032).

  verify @2 (message :Data $maxBytes(3072), signature :Data $maxBytes(64)) -> (good :Bool) $repeatable;
  # Whether this key signed the message. Every capability to the key allows it.

  seal @3 (context :Data $maxBytes(64), message :Data $maxBytes(3072)) -> (sealed :Data) $repeatable;
  # Encrypts so that only this key opens it, and only where the same context is named. Twice gives two different results.

  unseal @4 (context :Data $maxBytes(64), sealed :Data $maxBytes(3113)) -> (message :Data) $repeatable;
  # What was sealed. Invalid argument: by another key, for another context, or changed since.

  restrict @5 (uses :Uses) -> (key :Key) $repeatable;
  # A capability to the same key for these uses, as far as this one allows them.

  destroy @6 ();
  # Ends the key, for everybody.

  struct Uses {
    # What a capability allows beside verifying.
    sign @0 :Bool;
    seal @1 :Bool;
    unseal @2 :Bool;
    destroy @3 :Bool;
  }
}
