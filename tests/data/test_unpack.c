/* Archives: what is in them comes out, whatever wants out of the folder does not, and damage is told. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "archive_made.h"
#include "base/file.h"
#include "data/unpack.h"
#include "temp.h"

static void archives_are_unpacked_and_watched(void **state)
{
    (void)state;
    temp t = temp_make();
    mewl_error err = {0};
    char archive[400], folder[400], path[800];
    for (int zip = 0; zip < 2; zip++) {
        snprintf(archive, sizeof archive, "%s/a%d", t.path, zip);
        snprintf(folder, sizeof folder, "%s/f%d", t.path, zip);
        make_archive(archive, zip, "set-master/two.txt", AE_IFREG, "two two");
        if (mewl_unpack(archive, folder, 1 << 20, NULL, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        snprintf(path, sizeof path, "%s/set-master/two.txt", folder);
        char *data;
        size_t size;
        assert_int_equal(mewl_file_read_all(&data, &size, path, 100, &err), MEWL_OK);
        assert_string_equal(data, "two two");
        free(data);
        assert_int_equal(mewl_unpack(archive, folder, 5, NULL, &err), MEWL_E_MEMORY);
        static const char *const out[] = {"../evil", "/tmp/mewl-evil", "a/../../evil", "set-master/.."};
        for (size_t i = 0; i < 4; i++) {
            make_archive(archive, zip, out[i], AE_IFREG, "evil");
            mewl_status status = mewl_unpack(archive, folder, 1 << 20, NULL, &err);
            assert_int_equal(status, MEWL_E_FORMAT);
        }
        snprintf(path, sizeof path, "%s/evil", t.path);
        assert_int_not_equal(access(path, F_OK), 0);
        /* Links are left out. */
        make_archive(archive, zip, "set-master/link", AE_IFLNK, "/etc");
        assert_int_equal(mewl_unpack(archive, folder, 1 << 20, NULL, &err), MEWL_OK);
        snprintf(path, sizeof path, "%s/set-master/link", folder);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    temp_file(&t, "text", "this is no archive");
    snprintf(archive, sizeof archive, "%s/text", t.path);
    assert_int_equal(mewl_unpack(archive, folder, 1 << 20, NULL, &err), MEWL_E_FORMAT);
    snprintf(archive, sizeof archive, "%s/absent", t.path);
    assert_int_equal(mewl_unpack(archive, folder, 1 << 20, NULL, &err), MEWL_E_FORMAT);
    temp_remove(&t);
}

/* Cut anywhere: an error, or (behind the last entry) all of it; never a crash, never a file above what it held. */
static void damaged_archives_are_told(void **state)
{
    (void)state;
    temp t = temp_make();
    mewl_error err = {0};
    char archive[400], cut[400], folder[400], *data;
    size_t size, told = 0, tried = 0;
    snprintf(cut, sizeof cut, "%s/cut", t.path);
    snprintf(folder, sizeof folder, "%s/f", t.path);
    for (int zip = 0; zip < 2; zip++) {
        snprintf(archive, sizeof archive, "%s/a%d", t.path, zip);
        make_archive(archive, zip, "set-master/two.txt", AE_IFREG, "two two");
        assert_int_equal(mewl_file_read_all(&data, &size, archive, 1 << 20, &err), MEWL_OK);
        for (size_t keep = 0; keep < size; keep += 1 + size / 40, tried++) {
            FILE *file = fopen(cut, "wb");
            assert_non_null(file);
            assert_int_equal(fwrite(data, 1, keep, file), keep);
            assert_int_equal(fclose(file), 0);
            told += mewl_unpack(cut, folder, 1 << 20, NULL, &err) != MEWL_OK;
        }
        free(data);
    }
    assert_true(tried >= 60 && told >= tried / 2);
    temp_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(archives_are_unpacked_and_watched),
        cmocka_unit_test(damaged_archives_are_told),
    };
    return cmocka_run_group_tests_name("unpack", tests, NULL, NULL);
}
