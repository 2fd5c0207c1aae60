# SPDX-License-Identifier: GPL-3.0-or-later
"""The prototype's Spark scripts; see conftest.py."""
