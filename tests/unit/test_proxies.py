"""Whether a proxy is asked, by Go's rules; a table in tests/kubectl asks kubectl the same."""

from __future__ import annotations

import pytest

from customevents import proxies

PROXY = "http://proxy.example:3128"


def way(url: str, no_proxy: str = "", **environment: str) -> str:
    return proxies.for_url(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy, **environment})


@pytest.mark.parametrize(
    ("host", "no_proxy"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3", "10.1.2.3:443"),
        ("10.1.2.3", " a.example , 10.0.0.0/8 "),
        ("10.1.2.3", "10.1.2.3/8"),
        ("[fd00::1]", "fd00::1"),
        ("[fd00::1]", "fd00:0::1"),
        ("[fd00::1]", "[fd00::1]:443"),
        ("[fd00::1]", "fd00::/8"),
        ("[::ffff:10.1.2.3]", "10.1.2.3"),
        ("api.corp.example", "corp.example"),
        ("api.corp.example", ".corp.example"),
        ("api.corp.example", "*.corp.example"),
        ("api.corp.example", "CORP.example:443"),
        ("API.corp.example", "api.corp.example"),
        ("corp.example", "corp.example"),
        ("api.corp.example", "other,*"),
        ("localhost", ""),
        ("127.0.0.1", ""),
        ("127.8.8.8", ""),
        ("[::1]", ""),
    ],
)
def test_no_proxy_is_asked_for(host: str, no_proxy: str) -> None:
    assert way(f"https://{host}", no_proxy) == ""


@pytest.mark.parametrize(
    ("host", "no_proxy"),
    [
        ("10.1.2.3", ""),
        ("10.1.2.3", "10.1.2.4,10.2.0.0/16,10.1,2.3,.1.2.3"),
        ("10.1.2.3", "10.1.2.3:6443"),
        ("10.1.2.3", "10.0.0.0/255.0.0.0"),
        ("[fd00::1]", "fd01::/16,[fd00::1]"),
        ("corp.example", ".corp.example,*.corp.example"),
        ("notcorp.example", "corp.example"),
        ("api.corp.example", "api.corp.example:6443"),
        ("api.corp.example", "10.0.0.0/8,:443,/8,*corp.example,api.*,example."),
        ("localhost.example", ""),
    ],
)
def test_the_proxy_is_asked_for(host: str, no_proxy: str) -> None:
    assert way(f"https://{host}", no_proxy) == PROXY


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("https://a.example", {"https_proxy": "http://low:1"}, "http://low:1"),
        ("https://a.example", {"HTTPS_PROXY": PROXY, "https_proxy": "http://low:1"}, PROXY),
        ("https://a.example", {"HTTPS_PROXY": "", "https_proxy": "http://low:1"}, "http://low:1"),
        ("https://a.example", {"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}, ""),
        ("http://a.example", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://a.example", {"HTTPS_PROXY": PROXY}, ""),
        ("https://a.example", {"HTTPS_PROXY": "proxy.example:3128"}, PROXY),
        ("https://a.example", {"HTTPS_PROXY": "socks5://a:1"}, "socks5://a:1"),
        ("https://a.example", {"HTTPS_PROXY": "socks5h://u:p@a:1"}, "socks5://u:p@a:1"),
        ("https://a.example", {"HTTPS_PROXY": PROXY, "no_proxy": "a.example"}, ""),
    ],
)
def test_the_environment_names_a_proxy_by_scheme(
    url: str, environment: dict[str, str], proxy: str
) -> None:
    assert proxies.for_url(url, environment) == proxy


@pytest.mark.parametrize(
    "named", ["ftp://user:secret@a", "http://", "http://user:secret@a:70000", "http://[::1"]
)
def test_what_is_no_proxy_is_refused_without_its_password(named: str) -> None:
    with pytest.raises(ValueError, match=r"^HTTPS_PROXY: a proxy must be ") as refused:
        proxies.for_url("https://a.example", {"HTTPS_PROXY": named})
    assert "secret" not in str(refused.value)
