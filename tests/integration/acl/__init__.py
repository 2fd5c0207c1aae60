# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kafka that asks for rights: make test-acl."""
