# SPDX-License-Identifier: GPL-3.0-or-later
"""The local Kafka and HDFS: what each server needs, and how they run together."""
