/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A locale with a decimal comma, made for the test in a folder of its own.
 */
#ifndef TICKLINE_TEST_COMMA_LOCALE_H
#define TICKLINE_TEST_COMMA_LOCALE_H

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Until comma_locale_end. False: the machine cannot make one (Debian: package locales). */
static inline bool comma_locale_begin(void)
{
	char folder[] = "/tmp/tickline-locale-XXXXXX", command[256], shown[32];

	assert_non_null(mkdtemp(folder));
	snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >%s/log 2>&1",
		 folder, folder);
	bool made = system(command) == 0;
	setenv("LOCPATH", folder, 1);
	bool found = made && setlocale(LC_ALL, "de_DE.UTF-8");
	snprintf(command, sizeof command, "rm -r %s", folder);
	assert_int_equal(system(command), 0);
	if (!found)
		return false;
	snprintf(shown, sizeof shown, "%.1f", 0.5);
	assert_string_equal(shown, "0,5"); /* the locale is in force */
	return true;
}

static inline void comma_locale_end(void)
{
	setlocale(LC_ALL, "C");
}

#endif
