/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spec.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum error spec_hash(const struct spec *spec, char out[65])
{
	static const char *const irrelevant[] = { "name", "description", "leakage", "anchor",
						  "ridge" };
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	cJSON *json = spec_to_json(spec);
	if (!json)
		return ERROR_NO_MEMORY;
	for (size_t i = 0; i < sizeof(irrelevant) / sizeof(irrelevant[0]); i++)
		cJSON_DeleteItemFromObjectCaseSensitive(json, irrelevant[i]);
	char *text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	if (!text || !EVP_Digest(text, strlen(text), digest, &length, EVP_sha256(), NULL)) {
		free(text);
		return ERROR_NO_MEMORY;
	}
	free(text);
	for (unsigned i = 0; i < 32; i++) {
		out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	out[64] = '\0';
	return ERROR_OK;
}
