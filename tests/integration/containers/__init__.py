# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs podman; see conftest.py."""
