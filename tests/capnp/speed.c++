// The same as speed.c with the standard's library, as fast as it goes: memory given to it, and no copy.
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <cstdio>

#include "speed.capnp.h"

static const int ROUNDS = 1000;

static capnp::word words[512];

__attribute__((noinline)) static uint64_t build_and_sum(uint64_t seed, uint64_t (*sum)(kj::ArrayPtr<const capnp::word>)) {
    words[0] = capnp::word();
    capnp::MallocMessageBuilder builder(kj::arrayPtr(words, 512));
    Whole::Builder whole = builder.initRoot<Whole>();
    whole.setA(seed);
    whole.setB(seed + 1);
    whole.setC((int64_t)seed);
    whole.setD((uint32_t)seed);
    whole.setE(7);
    whole.setF(-8);
    whole.setG(9);
    whole.setH(-10);
    whole.setI(11);
    whole.setJ(-12);
    whole.setK(true);
    whole.setL(false);
    whole.setM(true);
    whole.setN(Kind::ALL);
    whole.setO(1.5);
    whole.setP(2.5f);
    whole.setQ(seed * 3);
    whole.setName("a name of some length");
    whole.setText("and a text that is a little longer than the name");
    capnp::List<Part>::Builder parts = whole.initParts(10);
    for (uint32_t i = 0; i < 10; i++) {
        Part::Builder part = parts[i];
        part.setId(seed + i);
        part.setSize(i);
        part.setKind(Kind::SOME);
        part.setGood(true);
    }
    return sum(builder.getSegmentsForOutput()[0]);
}

__attribute__((noinline)) static uint64_t sum(kj::ArrayPtr<const capnp::word> segment) {
    kj::ArrayPtr<const capnp::word> segments[1] = {segment};
    capnp::SegmentArrayMessageReader message(kj::arrayPtr(segments, 1));
    Whole::Reader whole = message.getRoot<Whole>();
    uint64_t sum = whole.getA() + whole.getB() + (uint64_t)whole.getC();
    sum += whole.getD() + whole.getE() + (uint32_t)whole.getF();
    sum += whole.getG() + (uint16_t)whole.getH() + whole.getI();
    sum += (uint8_t)whole.getJ() + whole.getK() + whole.getL();
    sum += whole.getM() + (uint16_t)whole.getN() + (uint64_t)whole.getO();
    sum += (uint64_t)whole.getP() + whole.getQ();
    sum += whole.getName().size() + whole.getText().size();
    for (Part::Reader part : whole.getParts()) {
        sum += part.getId() + part.getSize() + (uint16_t)part.getKind() + part.getGood();
    }
    return sum;
}

int main() {
    uint64_t total = 0;
    for (int i = 0; i < ROUNDS; i++) {
        total += build_and_sum((uint64_t)i, sum);
    }
    printf("%llu\n", (unsigned long long)total);
    return 0;
}
