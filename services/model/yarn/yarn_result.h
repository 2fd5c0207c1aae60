/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the reducer wrote, as the result of a reading.
 */
#ifndef TICKLINE_MODEL_YARN_RESULT_H
#define TICKLINE_MODEL_YARN_RESULT_H

#include <stddef.h>

#include "dataset.h"
#include "error.h"
#include "reading.h"
#include "spec.h"
#include "text.h"

enum { YARN_MAX_RESULT = 256 << 20 };

/* `dataset`: what was to be read. CONFLICT: what was read is not that, since files were joined or
 * removed meanwhile. INVALID: it is no such result. NO_MEMORY. Free `result` by reading_clean_up in
 * any case. */
enum error yarn_result_read(const struct spec *spec, const struct dataset *dataset,
			    const char *data, size_t length, struct reading_result *result,
			    struct text *why) MUST_USE;

#endif
