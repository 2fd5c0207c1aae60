/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A token file of any content is taken or refused with a reason; reading it again gives the same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "http_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_auth *auth = NULL;
	struct text why;
	char path[64];
	int fd = memfd_create("tokens", MFD_CLOEXEC);
	ssize_t written = write(fd, data, size);
	enum error error;

	assert(written == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	text_init(&why, 1 << 24);
	error = http_auth_load(path, &auth, &why);
	assert((error == ERROR_OK) == (auth != NULL));
	assert((error == ERROR_OK) == (why.length == 0));
	if (auth != NULL) {
		error = http_auth_reload(auth, &why);
		assert(error == ERROR_OK);
	}
	http_auth_destroy(&auth);
	text_clean_up(&why);
	close(fd);
	return 0;
}
