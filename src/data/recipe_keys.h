/* recipe_keys.h - the table of every key a recipe may hold: section, key, default, limits, one line of help. Adding a
 * key is adding a row; the struct field, the parser, the check, `--keys` and the documentation follow from it. */
#ifndef MEWL_DATA_RECIPE_KEYS_H
#define MEWL_DATA_RECIPE_KEYS_H

#define MEWL_RECIPE_KEYS(INT, REAL, BOOL, TEXT, PATH, CHOICE, RANGE, NUMBERS, LIST)                                    \
    TEXT(recipe, name, "unnamed", "name of the model, and of its files")                                               \
    CHOICE(recipe, task, "detect", "detect|classify|embed", "mixtures, clips with a class, or individuals")            \
    INT(recipe, seed, "1", 0, 9007199254740991, "everything random follows from it")                                   \
                                                                                                                       \
    CHOICE(model, arch, "cnn10",                                                                                       \
           "cnn6|cnn10|cnn14|resnet22|mobilenetv1|mobilenetv2|wavegram-logmel-cnn14|tinytoes|resnet50-mha|mobilenet|"  \
           "mn04-classifier|ecapa|ecapa-encoder|mobilenet-embed|mn04-embed|mn04-mfcc-embed|mn04-mfcc-statistics",      \
           "network; mobilenet: YAMNet's body for detection; the last six: embedders")                                 \
    INT(model, depth, "0", 0, 13, "mobilenet: pairs of convolutions, 4 to 13; 0: 9")                                   \
    REAL(model, width, "0.25", 0.0625, 2, "multiplies the channels of every block")                                    \
    CHOICE(model, frontend, "panns-16k",                                                                               \
           "panns-16k|panns-32k|ecapa|ecapa-encoder|yamnet|mn|hybrid|wavegram-16k|wavegram-32k",                       \
           "front end, with its sampling rate; wavegram-* for wavegram-logmel-cnn14")                                  \
    BOOL(model, framewise, "yes", "frame scores as well as clip scores")                                               \
    NUMBERS(model, time_pool, "2, 2, 2, 1", 1, 8, "time pooling of each block (framewise)")                            \
    CHOICE(model, pooling, "avg", "max|avg|max+avg", "pooling inside the blocks (PANNs: avg)")                         \
    CHOICE(model, global_pooling, "auto", "auto|max|avg|max+avg|stat|stat-full|mha|attn-literal",                      \
           "pooling over time to the clip's embedding; auto: the network's own (PANNs: max+avg)")                      \
    INT(model, pool_heads, "0", 0, 64, "heads of the pooling mha; 0: 8, or the most that divide the channels")         \
    REAL(model, dropout, "0.2", 0, 0.9, "share of activations dropped in training")                                    \
    PATH(model, init, "", "checkpoint to start from; empty: random weights")                                           \
    LIST(model, freeze, "", "parameters left untouched: beginnings of names, or patterns with * and ?")                \
                                                                                                                       \
    PATH(data, root, "", "folder of the data sets; empty: MEWL_DATA")                                                  \
    LIST(data, sets,                                                                                                   \
         "donateacry-corpus, esc10, speech-commands, librispeech-test-other, catmeows, room-impulse-responses",        \
         "folders under root that are scanned")                                                                        \
    LIST(data, manifests, "", "manifests read besides (paths relative to the recipe)")                                 \
    BOOL(data, research, "no", "allow sets whose licence keeps them out of shipped weights")                           \
    PATH(data, cry_list, "", "manifest of unchecked uploads that may be taken for cries; empty: none")                 \
    PATH(data, doubt_list, "", "manifest of clips labelled cry that are not to be taken for cries; empty: none")       \
    PATH(data, household_list, "", "manifest of unchecked uploads that hold no cry; empty: none")                      \
    REAL(data, valid_share, "0.08", 0, 0.5, "share of groups held out for choosing")                                   \
    REAL(data, test_share, "0.2", 0, 0.5, "share of groups held out for the final figures")                            \
    REAL(data, more_valid_share, "0", 0, 0.5, "share held out for choosing besides; the test side stays the same")     \
    INT(data, split_seed, "0", 0, 1000000, "seed of the hash that deals groups to sides")                              \
    INT(data, esc_test_fold, "0", 0, 5, "ESC fold that is never trained on; 0: ESC is split by hash like the rest")    \
    REAL(data, min_snr_db, "10", 0, 60, "cry clips below this are not used as events")                                 \
    INT(data, memory_mb, "400", 16, 65536, "ceiling of the clip cache")                                                \
                                                                                                                       \
    REAL(mixture, seconds, "10", 1, 60, "length of one example")                                                       \
    REAL(mixture, cry_probability, "0.5", 0, 1, "share of examples with cries")                                        \
    INT(mixture, max_cries, "3", 1, 8, "cries in such an example: 1 to this")                                          \
    RANGE(mixture, snr_db, "-10 .. 30", -40, 60, "cry over background, over the cry's active part")                    \
    REAL(mixture, negative_probability, "0.6", 0, 1, "share of examples with hard negatives placed like cries")        \
    INT(mixture, max_negatives, "3", 1, 8, "hard negatives in such an example: 1 to this")                             \
    RANGE(mixture, negative_snr_db, "-10 .. 30", -40, 60, "hard negative over background")                             \
    REAL(mixture, synthetic_probability, "0.35", 0, 1, "share of negatives and backgrounds that are made")             \
    REAL(mixture, playground_probability, "0", 0, 1, "share of negatives that are made children at play")              \
    REAL(mixture, natural_probability, "0.15", 0, 1, "share of cry examples that are a whole cry clip as recorded")    \
    REAL(mixture, narrow_probability, "0.7", 0, 1, "share of events, of both classes, limited to 3.4 .. 4 kHz")        \
    REAL(mixture, lowpass_probability, "0.3", 0, 1, "share of whole examples that are low-passed")                     \
    RANGE(mixture, lowpass_hz, "3400 .. 8000", 500, 24000, "cut-off of that low-pass")                                 \
    REAL(mixture, codec_probability, "0.1", 0, 1, "share of whole examples sent through a codec")                      \
    REAL(mixture, room_probability, "0.4", 0, 1, "share of events heard in a room")                                    \
    RANGE(mixture, pitch_semitones, "-2 .. 2", -12, 12, "pitch change of events")                                      \
    RANGE(mixture, speed, "0.9 .. 1.1", 0.5, 2, "speed change of events (pitch follows)")                              \
    RANGE(mixture, level_dbfs, "-50 .. -10", -80, 0, "RMS level of the finished example")                              \
                                                                                                                       \
    INT(augment, time_masks, "2", 0, 8, "SpecAugment time masks")                                                      \
    INT(augment, time_mask_frames, "20", 1, 400, "longest of them, in frames of the front end")                        \
    INT(augment, band_masks, "2", 0, 8, "SpecAugment band masks")                                                      \
    INT(augment, band_mask_bands, "8", 1, 64, "widest of them, in bands")                                              \
    REAL(augment, mixup_probability, "0", 0, 1, "share of examples mixed with another of their batch")                 \
    REAL(augment, mixup_alpha, "0.2", 0.01, 10, "Beta(alpha, alpha) of the share")                                     \
                                                                                                                       \
    TEXT(classify, column, "label", "manifest column that is the class")                                               \
    LIST(classify, classes, "", "classes in the order of the outputs; empty: all, sorted")                             \
    BOOL(classify, multi_label, "no", "sigmoid with one-against-rest targets instead of softmax")                      \
    REAL(classify, seconds, "5", 0.5, 60, "length of a crop; shorter clips are repeated")                              \
    REAL(classify, balance, "0.5", 0, 1, "0: classes as they come, 1: all classes equally often")                      \
                                                                                                                       \
    LIST(distil, teacher, "", "models whose answers (classify) or vectors (embed) are learned, too (relative paths)")  \
    LIST(distil, logits, "", "classify: answers stored before, documents of `mewl predict --json` (relative paths)")   \
    REAL(distil, temperature, "2", 0.1, 100, "softens teacher and student (Hinton et al. 2015)")                       \
    REAL(distil, weight, "0.5", 0, 1, "share of the teachers in the loss; labels have the rest")                       \
                                                                                                                       \
    REAL(embed, seconds, "3", 0.5, 30, "length of a crop; shorter recordings are repeated")                            \
    INT(embed, recordings, "4", 2, 64, "crops of each individual in a batch; train.batch holds whole individuals")     \
    INT(embed, min_recordings, "2", 1, 1000, "individuals with fewer are left out")                                    \
    CHOICE(embed, loss, "nt-xent", "nt-xent|ge2e|aam", "what tells individuals apart (nn/loss_embed.h)")               \
    REAL(embed, scale, "12", 0.1, 100, "one over the temperature; GE2E's w; AAM's s")                                  \
    REAL(embed, margin, "0.2", 0, 1, "aam: margin in radians")                                                         \
    INT(embed, centres, "1", 1, 16, "aam: sub-centres of each individual")                                             \
    REAL(embed, noise_probability, "0.5", 0, 1, "share of crops with a background under them")                         \
    RANGE(embed, noise_snr_db, "5 .. 25", -20, 60, "crop over background")                                             \
                                                                                                                       \
    INT(train, epochs, "20", 1, 100000, "passes")                                                                      \
    INT(train, steps_per_epoch, "500", 1, 10000000, "updates in a pass")                                               \
    INT(train, batch, "16", 1, 4096, "examples in an update")                                                          \
    CHOICE(train, optimizer, "adamw", "sgd|adam|adamw", "update rule")                                                 \
    REAL(train, lr, "0.001", 1e-8, 10, "highest learning rate")                                                        \
    REAL(train, lr_floor, "0.00001", 0, 10, "lowest learning rate of the schedule")                                    \
    CHOICE(train, schedule, "cosine", "constant|cosine|plateau", "how the learning rate falls")                        \
    INT(train, warmup_steps, "500", 0, 10000000, "updates over which it rises first")                                  \
    REAL(train, plateau_factor, "0.5", 0.01, 1, "plateau: factor")                                                     \
    INT(train, plateau_patience, "3", 1, 1000, "plateau: passes without gain before it")                               \
    REAL(train, momentum, "0.9", 0, 0.9999, "sgd")                                                                     \
    REAL(train, beta1, "0.9", 0, 0.9999, "adam, adamw")                                                                \
    REAL(train, beta2, "0.999", 0, 0.99999, "adam, adamw")                                                             \
    REAL(train, weight_decay, "0.01", 0, 1, "weights only, not biases and norms")                                      \
    REAL(train, clip_norm, "5", 0, 1000000, "ceiling of the gradient's norm; 0: none")                                 \
    REAL(train, ema_decay, "0.999", 0, 0.999999, "running mean of weights; 0: none")                                   \
    CHOICE(train, precision, "bf16", "fp32|bf16", "arithmetic of convolutions")                                        \
    REAL(train, frame_loss, "1", 0, 100, "weight of the frame loss")                                                   \
    REAL(train, clip_loss, "0.5", 0, 100, "weight of the clip loss")                                                   \
    REAL(train, label_smoothing, "0", 0, 0.5, "classify: share given to the other classes")                            \
    INT(train, loader_threads, "2", 1, 64, "threads that make examples")                                               \
    INT(train, threads, "2", 1, 256, "threads of the engine")                                                          \
    INT(train, checkpoint_steps, "500", 1, 10000000, "updates between checkpoints")                                    \
    INT(train, patience, "0", 0, 100000, "stop after this many passes without gain; 0: never")                         \
    INT(train, valid_batches, "20", 1, 10000, "held-out batches after every pass (detect)")                            \
    INT(train, log_steps, "20", 1, 100000, "updates between lines of the log")                                         \
    PATH(train, out, "", "folder for checkpoints, log and the finished model; empty: runs/<name>")                     \
                                                                                                                       \
    INT(eval, mixtures, "20", 0, 100000, "held-out mixtures at each SNR")                                              \
    REAL(eval, seconds, "60", 10, 3600, "length of one")                                                               \
    NUMBERS(eval, snr_db, "-5, 0, 5, 10, 15, 20", -40, 60, "their SNRs")                                               \
    REAL(eval, negatives_per_minute, "4", 0, 30, "hard negatives placed in them")

#endif
