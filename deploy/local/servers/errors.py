# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told to the user in place of a traceback."""


class StackError(Exception):
    """The message says what failed, with which setting, and what to do."""
