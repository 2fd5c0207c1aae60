/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "row.h"

#include <stdio.h>

struct record_rules row_rules(const struct record_bounds *bounds)
{
	return (struct record_rules){ .bounds = *bounds, .unknown_ignored = true };
}

static enum error refuse(struct record_fault *fault, const char *code, const char *reason)
{
	fault->code = code;
	fault->field[0] = '\0';
	snprintf(fault->reason, sizeof fault->reason, "%s", reason);
	return ERROR_INVALID;
}

enum error row_read(const struct record_table *table, const struct record_rules *rules,
		    const struct slice *value, struct record *out, struct record_fault *fault)
{
	if (!value->data)
		return refuse(fault, "null", "the value is null");
	if (value->length == 0)
		return refuse(fault, "empty", "the value is empty");
	return record_read_json(table, rules, value->data, value->length, out, fault);
}
