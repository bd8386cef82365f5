// The algebra of rights: sets of bits that only ever shrink. C11, and proved (docs/concepts/proofs.md).
#pragma once

#include <stdbool.h>
#include <stdint.h>

// In contracts: whether the set `some` lies within the set `all`.
#define RIGHTS_WITHIN(some, all) (((some) & (all)) == (some))

// However often a handle is handed on with less, it never has what the first did not have.
/*@ lemma rights_shrink_on_the_way: \forall integer first, second, third; RIGHTS_WITHIN(first & second & third, first);
    lemma rights_shrink_in_any_order: \forall integer first, second, third;
            ((first & second) & third) == ((first & third) & second);
    lemma rights_nothing: \forall integer all; RIGHTS_WITHIN(0, all);
*/

// Whether nothing of `need` is missing in `have`.
/*@ ensures \result <==> RIGHTS_WITHIN(need, have);
    assigns \nothing;
*/
static inline bool rights_cover(uint32_t have, uint32_t need) {
    return (have & need) == need;
}

// What is left of `have` when only `keep` may stay: never more than there was, never more than was asked for, and
// all of it when all may stay.
/*@ ensures RIGHTS_WITHIN(\result, have);
    ensures RIGHTS_WITHIN(\result, keep);
    ensures RIGHTS_WITHIN(have, keep) ==> \result == have;
    assigns \nothing;
*/
static inline uint32_t rights_narrow(uint32_t have, uint32_t keep) {
    return have & keep;
}
