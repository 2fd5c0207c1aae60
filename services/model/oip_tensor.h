/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The values of an input tensor of the Open Inference Protocol: numbers of one datatype, in JSON or
 * in the binary form of its extension (little-endian, one behind the other). Reentrant.
 */
#ifndef TICKLINE_MODEL_OIP_TENSOR_H
#define TICKLINE_MODEL_OIP_TENSOR_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* "FP64"; NULL: it is no type of numbers. Static. */
struct oip_type;
const struct oip_type *oip_type(const char *name);
size_t oip_type_size(const struct oip_type *type); /* bytes of a value in binary form */

/* What is left of a tensor; both NULL: it is not given. */
struct oip_values {
	const cJSON *cell;
	const unsigned char *bytes;
	const struct oip_type *type;
};

/* Takes the next value; the caller knows that there is one. False: it is no finite number. */
bool oip_values_next(struct oip_values *values, double *value);

#endif
