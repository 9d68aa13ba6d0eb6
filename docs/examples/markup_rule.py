"""A contender of one's own: twice the cost, or the allowed price nearest to it."""


class MarkupRule:
    name = "markup_rule"

    def propose(self, history, feasible):
        return feasible.nearest(2.0 * history.unit_cost)
