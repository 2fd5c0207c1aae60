# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP requests to servers and services, with the standard library only."""
import json
import urllib.error
import urllib.request


def call(method, url, body=None, timeout_s=10):
    """(status, body as bytes) of any answer; OSError when there is none."""
    data = None if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def call_json(method, url, body=None, timeout_s=10):
    """(status, parsed body); ValueError when the body is not JSON."""
    status, answer = call(method, url, body, timeout_s)
    return status, json.loads(answer) if answer else None
