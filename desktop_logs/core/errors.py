"""The tree of errors: each says whose fault it is and what to do next. Pure; the faults of this program stay plain."""


class DesktopLogsError(Exception):
    """Base of every error that is told to a person: its text is a sentence with what happened and what to do."""


class PeerError(DesktopLogsError):
    """A producer's, viewer's or server's fault: counted, logged once a source, never raised out of a handler."""


class EntryError(PeerError):
    """An entry that cannot be taken; the others of its batch are."""


class Cancelled(DesktopLogsError):
    """What was asked for is not wanted any more: who cancelled it knows, and nobody else is told."""


class UserError(DesktopLogsError):
    """What a person typed cannot be done as it stands."""


class SettingsError(UserError):
    """A settings value or file that cannot be used."""


class QueryError(UserError):
    """A query that is no query. *position* is the offset of the first character at fault."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class TooSlow(QueryError):
    """A query needed too long, most often an expression on one text; of what would have matched that says nothing."""


class EnvironmentFault(DesktopLogsError):
    """The machine, the disk or the network does not play along; the program goes on without, and says so."""


class ListenError(EnvironmentFault):
    """The hub cannot listen. *holder* tells who has the port: `desktop-logs`, `other`, or empty when it is not that.

    Of another Desktop Logs *url* is where this machine reaches it.
    """

    def __init__(self, message: str, port: int, holder: str = "", url: str = "") -> None:
        super().__init__(message)
        self.port = port
        self.holder = holder
        self.url = url


class StorageError(EnvironmentFault):
    """Records could not be written."""


class FolderInUse(EnvironmentFault):
    """Another program writes in the data folder: *holder* says which, *url* where it listens; empty when unknown."""

    def __init__(self, message: str, holder: str = "", url: str = "") -> None:
        super().__init__(message)
        self.holder = holder
        self.url = url


class ConnectError(EnvironmentFault):
    """A remote server could not be reached, or is not one that can be understood."""


class Busy(EnvironmentFault):
    """The hub must catch its breath: nothing of the batch was taken. Try again in *retry_after_s* seconds."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Evicted(LookupError):
    """The records asked for have left the ring; *first_seq* is the oldest that is still there."""

    def __init__(self, first_seq: int) -> None:
        super().__init__(f"records before {first_seq} have left the ring")
        self.first_seq = first_seq
