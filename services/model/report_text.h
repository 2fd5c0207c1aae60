/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A version's report as a page of text, laid out as statistics packages do. Reentrant.
 */
#ifndef TICKLINE_MODEL_REPORT_TEXT_H
#define TICKLINE_MODEL_REPORT_TEXT_H

#include <stdint.h>

#include "text.h"

enum { REPORT_TEXT_MAX = 256 << 10 };

/* `report` is a version's JSON (model_version.h), `number` its number. What the report does not
 * have, or as null, is a dash. Lines are at most 79 wide, but for names and warnings that are
 * longer. */
void report_text(const char *report, size_t length, int64_t number, struct text *out);

#endif
