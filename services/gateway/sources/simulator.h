/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The simulator: ticks of a random market at an even rate.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_SIMULATOR_H
#define TICKLINE_GATEWAY_SOURCES_SIMULATOR_H

#include "source.h"

extern const struct source_driver simulator_driver;

#endif
