/* view.c - see view.h. */
#include "nn/view.h"

#include "nn/net_private.h"

#include <string.h>

bool mewl_net_layer_at(const mewl_net *net, mewl_layer_view *view, size_t index)
{
    if (index >= net->layer_count) {
        return false;
    }
    const mewl_layer *layer = net->layers[index];
    *view = (mewl_layer_view){.kind = layer->ops->kind,
                              .name = layer->name,
                              .input_count = net->input_counts[index],
                              .inputs = net->inputs[index],
                              .param_count = layer->param_count,
                              .params = layer->params,
                              .channels = layer->channels,
                              .features = layer->features,
                              .training_only = layer->ops->training_only};
    view->fact_count = layer->ops->facts != NULL ? layer->ops->facts(layer, view->facts) : 0;
    return true;
}

bool mewl_net_output_at(const mewl_net *net, const char **name, mewl_node *node, size_t index)
{
    if (index >= net->output_count) {
        return false;
    }
    *name = net->outputs[index].name;
    *node = net->outputs[index].node;
    return true;
}

double mewl_layer_fact_real(const mewl_layer_view *view, const char *key)
{
    for (size_t i = 0; i < view->fact_count; i++) {
        if (strcmp(view->facts[i].key, key) == 0) {
            return view->facts[i].value;
        }
    }
    return 0.0;
}

int64_t mewl_layer_fact(const mewl_layer_view *view, const char *key)
{
    return (int64_t)mewl_layer_fact_real(view, key);
}
