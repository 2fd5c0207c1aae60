# SPDX-License-Identifier: GPL-3.0-or-later
"""An HDFS with two NameNodes: make test-ha."""
