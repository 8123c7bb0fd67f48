/* report.h - an experiment's document as text for a terminal and as one HTML page that needs no other file.
 *
 * The document is JSON, made by whoever ran the experiment (study.h makes those of networks):
 *
 *   {"experiment": "table3", "title": "...", "profile": "quick", "seed_count": 3,
 *    "program": {"name": "mewl", "version": "0.1.0", "revision": "1a2b3c4d5e"},
 *    "data": {"name", "clips", "groups", "classes": ["hungry", ...], "counts": [382, ...]},
 *    "protocol": ["sentence", ...],
 *    "splits": [{"name": "random", "leaky": true, "folds": 10, "groups_straddling": 171, "clips_straddling": 320},
 *               {"name": "grouped", "leaky": false, ...}],
 *    "columns": [{"key": "paper", "title": "paper"}, ...],            // optional: members of a row's "extra"
 *    "rows": [{"name": "cnn14 / stat / pretrained", "baseline": false, "extra": {"paper": "74.73 %", ...},
 *              "splits": {"random": mewl_forecasts_json, "grouped": ...},
 *              "difference": {"random": {"accuracy": I, ...}}}, ...],  // optional: to row "compared_to"
 *    "compared_to": "name of a row",                                  // optional
 *    "notes": ["sentence", ...]}
 *
 * Members that are absent are left out; nothing here fails for want of one. Every column, chart and row of a split with
 * "leaky": true carries the word LEAKY, in text, JSON ("label": "LEAKY", which mewl_report_label adds) and HTML.
 */
#ifndef MEWL_LAB_REPORT_H
#define MEWL_LAB_REPORT_H

#include "base/buffer.h"
#include "base/json.h"
#include "base/status.h"
#include "data/manifest.h"

#define MEWL_REPORT_LEAKY "LEAKY"

/* An entry of "splits" from the folds as they lie in manifest->rows[].fold: counts groups on several sides, says leaky
 * when there are any, whatever the split is called. A new reference. MEWL_E_MEMORY. */
mewl_status mewl_report_split(json_t **out, const char *name, int folds, const mewl_manifest *manifest,
                              mewl_error *err);

/* Adds "label": "LEAKY" to every leaky split and to what rows hold under it. Call once the document is whole, before it
 * is written. MEWL_E_MEMORY. */
mewl_status mewl_report_label(json_t *document, mewl_error *err);

/* Tables for people, appended to `out` (its ceiling holds). UTF-8, at most 132 columns where names allow. */
mewl_status mewl_report_text(mewl_buffer *out, const json_t *document, mewl_error *err);

/* One page with the tables, and confusion matrix and reliability diagram of every row that is no baseline (of the
 * twelve with the highest balanced accuracy, where there are more), as SVG inside the page. Written in one piece.
 * Charts are drawn in a folder beside it, which is gone afterwards. MEWL_E_IO and kin, MEWL_E_MEMORY, MEWL_E_LIBRARY.
 */
mewl_status mewl_report_html(const json_t *document, const char *path, mewl_error *err);

#endif
