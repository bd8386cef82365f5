// The same as twenty.c with the C++ library.
#include <capnp/message.h>
#include <stdio.h>

#include "twenty.capnp.h"

constexpr unsigned ROUNDS = 1000;
constexpr unsigned WORDS = 512;
constexpr unsigned ITEMS = 10;

__attribute__((noinline)) static uint64_t consume(kj::ArrayPtr<const capnp::word> words) {
    kj::ArrayPtr<const capnp::word> segments[1] = {words};
    capnp::SegmentArrayMessageReader message(kj::arrayPtr(segments, 1));
    auto t = message.getRoot<Twenty>();
    uint64_t sum = t.getA() + t.getB() + t.getC() + t.getD() + t.getE() + t.getF() + t.getG() + t.getH() +
                   (uint64_t)t.getI() + (uint64_t)t.getJ() + (uint64_t)t.getK() + t.getL() + t.getM() + t.getN() +
                   t.getO() + t.getP() + t.getQ();
    auto name = t.getName();
    auto text = t.getText();
    sum += name.size() + (uint8_t)name[0] + text.size() + (uint8_t)text[0];
    for (auto item : t.getItems()) {
        sum += item.getId() + (uint64_t)item.getWeight() + item.getKind() + item.getFlag();
    }
    return sum;
}

__attribute__((noinline)) static uint64_t build_and_consume(capnp::word *memory, uint64_t x, capnp::Text::Reader name,
                                                            capnp::Text::Reader text) {
    capnp::MallocMessageBuilder builder(kj::arrayPtr(memory, WORDS));
    auto t = builder.initRoot<Twenty>();
    t.setA(x);
    t.setB(x + 1);
    t.setC(x + 2);
    t.setD(x + 3);
    t.setE(x + 4);
    t.setF(x + 5);
    t.setG(x + 6);
    t.setH(x + 7);
    t.setI(x);
    t.setJ(x);
    t.setK(x);
    t.setL(x & 1);
    t.setM(x & 2);
    t.setN(x);
    t.setO(x);
    t.setP(x);
    t.setQ(x);
    t.setName(name);
    t.setText(text);
    auto items = t.initItems(ITEMS);
    for (unsigned i = 0; i < ITEMS; i++) {
        auto item = items[i];
        item.setId(x + i);
        item.setWeight(i);
        item.setKind(i);
        item.setFlag(i & 1);
    }
    return consume(builder.getSegmentsForOutput()[0]);
}

int main() {
    static capnp::word memory[WORDS];
    uint64_t total = 0;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        total += build_and_consume(memory, i, "a name", "some text that is longer");
    }
    printf("%llu\n", (unsigned long long)total);
}
