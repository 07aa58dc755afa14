"""Where the keys to an object store are found: read when they are needed, kept by nobody, shown to nobody."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path

import attrs

from ...errors import SettingError

_AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_ALIBABA = (
    ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"),
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"),
)
_IN_FILES = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
# A container or a pod: the S3 client asks these by itself, and renews what they give.
_ROLES = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE")


@attrs.frozen
class Keys:
    """A key pair, with a token where it is a temporary one. Its repr shows none of them."""

    access: str = attrs.field(repr=False)
    secret: str = attrs.field(repr=False)
    token: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class KeyRing:
    """Where to look: the environment, then the files of the AWS tools, then a role of the container or instance.

    ``profile`` is the one that a person named; it goes before the environment. ``alibaba``: OSS is asked, so its own
    variables go first. ``roles``: an instance may be asked for its role (AWS itself only).
    """

    environ: Mapping[str, str] = attrs.field(repr=False)
    profile: str | None = None
    alibaba: bool = False
    roles: bool = True

    def find(self) -> Keys | None:
        """Return the keys as they stand now, None where the role of the container or instance counts.

        Raises SettingError.
        """
        if self.profile is None:
            for names in (*(_ALIBABA if self.alibaba else ()), _AWS):
                if keys := self._from_environment(names):
                    return keys
        profile = self.profile or self.environ.get("AWS_PROFILE") or "default"
        if keys := self._from_files(profile):
            return keys
        if profile != "default":
            message = (
                f"the AWS profile {profile!r} has no aws_access_key_id and aws_secret_access_key in {self._names()};"
                " for other kinds of profile run `aws configure export-credentials --format env` and export its output"
            )
            raise SettingError(message)
        if any(self.environ.get(name) for name in _ROLES):
            return None
        if self.roles and self.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() != "true":
            return None
        message = f"there are no keys for the storage s3: set {self._wanted()}, or put them into {self._names()}"
        raise SettingError(message)

    def region(self) -> str | None:
        """Return the region that the environment or the profile names."""
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            if found := self.environ.get(name):
                return found
        profile = self.profile or self.environ.get("AWS_PROFILE") or "default"
        return next(filter(None, (section.get("region") for section in self._sections(profile))), None)

    def _from_environment(self, names: tuple[str, str, str]) -> Keys | None:
        access, secret, token = (self.environ.get(name, "").strip() for name in names)
        if bool(access) != bool(secret):
            there, missing = names[:2] if access else (names[1], names[0])
            message = f"{there} is set and {missing} is not; set both"
            raise SettingError(message)
        return Keys(access, secret, token or None) if access else None

    def _from_files(self, profile: str) -> Keys | None:
        for section in self._sections(profile):
            access, secret, token = (section.get(name, "").strip() for name in _IN_FILES)
            if access and secret:
                return Keys(access, secret, token or None)
        return None

    def _sections(self, profile: str) -> list[Mapping[str, str]]:
        found: list[Mapping[str, str]] = []
        # [work] and [default] in the file of credentials, [profile work] and [default] in that of settings.
        in_settings = {f"profile {profile}", *({profile} & {"default"})}
        for path, names in zip(self._files(), ({profile}, in_settings), strict=True):
            # A "%" in a key is no reference to another setting, and no section feeds the others.
            parser = configparser.ConfigParser(interpolation=None, default_section="")
            try:
                parser.read(path, encoding="utf-8")
            except (configparser.Error, UnicodeDecodeError, OSError):
                # What the parser says quotes the line, and that may be a key.
                message = f"{path} cannot be read as a file of AWS profiles; mend it, or remove it"
                raise SettingError(message) from None
            found += [parser[name] for name in sorted(names) if name in parser]
        return found

    def _files(self) -> tuple[Path, Path]:
        home = Path(self.environ.get("HOME") or "~").expanduser() / ".aws"
        credentials = self.environ.get("AWS_SHARED_CREDENTIALS_FILE")
        config = self.environ.get("AWS_CONFIG_FILE")
        return (
            Path(credentials).expanduser() if credentials else home / "credentials",
            Path(config).expanduser() if config else home / "config",
        )

    def _names(self) -> str:
        return " or ".join(map(str, self._files()))

    def _wanted(self) -> str:
        return " and ".join((_ALIBABA[0] if self.alibaba else _AWS)[:2])
