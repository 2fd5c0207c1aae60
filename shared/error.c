/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "error.h"

static const char *const names[ERROR_COUNT] = {
#define ERROR_NAME(code, name, text) [ERROR_##code] = (name),
	ERROR_LIST(ERROR_NAME)
#undef ERROR_NAME
};

static const char *const texts[ERROR_COUNT] = {
#define ERROR_TEXT(code, name, text) [ERROR_##code] = (text),
	ERROR_LIST(ERROR_TEXT)
#undef ERROR_TEXT
};

const char *error_name(enum error code)
{
	return (unsigned)code < ERROR_COUNT ? names[code] : "unlisted";
}

const char *error_text(enum error code)
{
	return (unsigned)code < ERROR_COUNT ? texts[code] : "an error that has no text";
}
