#include "cli/lab_sheets.h"

#include "lab/sheet.h"

int mewl_lab_close_sheets(mewl_lab *lab, const char *name, mewl_status status, json_t *document, const mewl_error *err)
{
    return mewl_lab_end(lab, status, document, (mewl_lab_ending){name, "md", mewl_sheet_print, false}, err);
}
