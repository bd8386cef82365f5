@0xe85b4d03c6a9f172;
# Who is at the machine: accounts, roles and sessions.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxBytes;
using import "tessera.capnp".prefix;

const accountsMax :UInt32 = 32;           # That there can be.
const sessionsMax :UInt32 = 64;           # Of all holders together.
const sessionsOfHolderMax :UInt32 = 8;    # A holder that opens more loses the one that it used last longest ago.
const passwordMinBytes :UInt32 = 8;       # Of a new one.
const passwordMaxBytes :UInt32 = 128;     # Of any.
const lockAfterS :UInt32 = 900;           # A session that is not used for so many seconds is locked, if it has a password,
const endAfterS :UInt32 = 14400;          # after so many it ends,
const longestS :UInt32 = 86400;           # and after so many whether it is used or not.

enum Role $prefix("role") {
  # What a person may do, the least first. What it means for a service that service or policy says.
  guest @0;
  user @1;
  administrator @2;
}

enum Outcome $prefix("identity_outcome") {
  # What became of a request.
  done @0;
  wrong @1;              # The name or the password is not right; which of them nobody is told.
  wait @2;               # Too many were wrong before. Nothing was looked at; try again after `retryMs`.
  locked @3;             # The session is locked: `unlock` it.
  notAllowed @4;         # Not with this role, or not with this capability.
  badName @5;            # 1 to 23 small letters, digits, `-` and `_`, a letter first, and not `guest`.
  badPassword @6;        # Shorter or longer than passwords are.
  taken @7;              # There is an account of this name, or the machine is set up already.
  notFound @8;           # There is no such account, or session.
  full @9;               # There are as many as there can be.
  lastAdministrator @10; # The machine would have none left.
}

struct SessionInfo $prefix("session_info") {
  # What may be known of a session.
  id @0 :UInt32;         # By which it is called; it allows nothing.
  name @1 :Text;         # Of the account, or `guest`.
  role @2 :Role;
  locked @3 :Bool;
  holder @4 :UInt64;     # Who opened it.
  startedNs @5 :UInt64;  # Since boot, as are
  usedNs @6 :UInt64;     # when it was used last,
  endsNs @7 :UInt64;     # and when it ends if it is not used again.
}

struct AccountInfo $prefix("account_info") {
  # What may be known of an account.
  name @0 :Text;
  role @1 :Role;
  sessions @2 :UInt32;   # That are open.
  createdNs @3 :UInt64;  # Since boot.
}

interface Identity @0xa9174ec25d80b36f {
  # Logging in, for programs that have a person in front of them; and for services that want to know whom a session is of.
  # Accounts and sessions outlive the service's process, and end with the machine: there is no store yet.

  state @0 () -> (accounts :UInt32, guests :Bool) $repeatable;
  # How many accounts there are, 0 on a machine that is not set up, and whether guests are let in.

  login @1 (name :Text $maxBytes(23), password :Data $maxBytes(128)) -> (outcome :Outcome, retryMs :UInt64, session :Session);
  # Opens a session of an account. Takes as long for a name that there is not as for one that there is.

  guest @2 () -> (outcome :Outcome, session :Session);
  # Opens a session of nobody in particular. Not allowed: guests were switched off.

  check @3 (session :Session) -> (genuine :Bool, info :SessionInfo, accounts :UInt32);
  # Whose session a capability is that somebody handed over. Genuine: it is one of this service's, and has not ended. With how many
  # accounts there are, as `state` says it.
}

interface IdentityControl @0xd6208fb3147ce95a extends(Identity) {
  # For the program at the machine's own console.

  setUp @0 (name :Text $maxBytes(23), password :Data $maxBytes(128)) -> (outcome :Outcome, session :Session);
  # Makes the first account, an administrator, and logs in. Taken: there is an account already.
}

interface Session @0x8e3db61f90c257a4 $prefix("session") {
  # Somebody being there. Whoever has the capability acts as that person; to show who one is, hand out what `observe` makes.
  # `info`, `observe`, `unlock` and `logout` do not count as use; the others do.

  info @0 () -> (info :SessionInfo) $repeatable;
  # Who it is.

  touch @1 () -> (info :SessionInfo) $repeatable;
  # The same, and counts as use.

  lock @2 () -> (outcome :Outcome) $repeatable;
  # From here on nothing but `info`, `observe`, `unlock` and `logout` does anything. Not allowed for guests, who could not unlock it.

  unlock @3 (password :Data $maxBytes(128)) -> (outcome :Outcome, retryMs :UInt64);
  # Ends that. Wrong ones count like those of `login`.

  logout @4 () -> (outcome :Outcome);
  # Ends the session, for everybody who has it.

  observe @5 () -> (session :Session) $repeatable;
  # A capability that allows `info` only.

  changePassword @6 (old :Data $maxBytes(128), new :Data $maxBytes(128)) -> (outcome :Outcome, retryMs :UInt64);
  # Of the session's own account. Other sessions go on.

  sessions @7 (first :UInt32) -> (outcome :Outcome, sessions :List(SessionInfo), total :UInt32) $repeatable;
  # Those of the same account; for administrators all. As many as fit, from number `first` of `total`.

  end @8 (id :UInt32) -> (outcome :Outcome);
  # Ends one of those.

  accounts @9 (first :UInt32) -> (outcome :Outcome, accounts :List(AccountInfo), total :UInt32) $repeatable;
  # For administrators, as are those that follow.

  addAccount @10 (name :Text $maxBytes(23), role :Role, password :Data $maxBytes(128)) -> (outcome :Outcome);
  # Makes an account.

  removeAccount @11 (name :Text $maxBytes(23)) -> (outcome :Outcome);
  # Ends its sessions, too.

  setPassword @12 (name :Text $maxBytes(23), password :Data $maxBytes(128)) -> (outcome :Outcome);
  # Of somebody who forgot it. Ends their sessions.

  allowGuests @13 (allowed :Bool) -> (outcome :Outcome);
  # Whether guests are let in. Switching off ends their sessions.
}
