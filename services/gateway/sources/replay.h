/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The replay: the rows of a CSV text, oldest first, at the pace of their times.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_REPLAY_H
#define TICKLINE_GATEWAY_SOURCES_REPLAY_H

#include "source.h"

extern const struct source_driver replay_driver;

#endif
