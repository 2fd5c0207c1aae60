# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs a YARN; see conftest.py."""
