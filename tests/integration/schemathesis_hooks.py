# SPDX-License-Identifier: GPL-3.0-or-later
"""What schemathesis does not know by itself; see test_openapi.py."""
import schemathesis

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
