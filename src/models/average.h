/* average.h - one model from several trainings of the same recipe: the mean of their weights. */
#ifndef MEWL_MODELS_AVERAGE_H
#define MEWL_MODELS_AVERAGE_H

#include "models/model.h"

/* Replaces the weights and running statistics of models[0] by the means over all `count` (2 or more). Sensible only for
 * models trained from the same start, whose weights still correspond (Wortsman et al. 2022, "Model soups"): anything
 * else gives noise. The other models are left as they are; metadata stays that of models[0]. Errors: MEWL_E_ARG (fewer
 * than two), MEWL_E_SHAPE naming the array that another model lacks or has in another shape; models[0] is then
 * unchanged. */
mewl_status mewl_model_average(mewl_model *const *models, size_t count, mewl_error *err);

#endif
