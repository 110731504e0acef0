import Testing

@testable import KafkaLog

@Suite struct OffsetTrackerTests {
  @Test func neverStoresPastAnOpenRecord() {
    var tracker = OffsetTracker()
    let numbers = (10..<14).map { tracker.add(offset: $0) }
    tracker.settle(numbers[1])
    tracker.settle(numbers[3])
    #expect(tracker.position == nil)
    #expect(tracker.lowestOpen == 10)
    let moved = tracker.settle(numbers[0])
    #expect(moved)
    #expect(tracker.position == 12)
    #expect(tracker.lowestOpen == 12)
    tracker.settle(numbers[2])
    #expect(tracker.position == 14)
    #expect(tracker.open == 0)
    #expect(tracker.lowestOpen == nil)
  }

  @Test func gapsInTheOffsetsAreNoOpenRecords() {
    var tracker = OffsetTracker()
    let first = tracker.add(offset: 5)
    let second = tracker.add(offset: 100)
    tracker.settle(first)
    #expect(tracker.position == 6)
    tracker.settle(second)
    #expect(tracker.position == 101)
  }

  @Test func settlingTwiceOrTheUnknownChangesNothing() {
    var tracker = OffsetTracker()
    let number = tracker.add(offset: 0)
    _ = tracker.add(offset: 1)
    tracker.settle(number)
    tracker.settle(number)
    tracker.settle(99)
    #expect(tracker.open == 1)
    #expect(tracker.position == 1)
  }

  @Test func agreesWithASimpleModelInAnyOrderOfSettlement() {
    var numbers = Sequence64(state: 3)
    for _ in 0..<200 {
      var tracker = OffsetTracker()
      var model: [(offset: Int64, number: UInt64, settled: Bool)] = []
      var offset: Int64 = Int64.random(in: 0..<1000, using: &numbers)
      for _ in 0..<400 {
        if Bool.random(using: &numbers) || model.isEmpty {
          model.append((offset, tracker.add(offset: offset), false))
          offset += Int64.random(in: 1...5, using: &numbers)
        } else {
          let index = Int.random(in: 0..<model.count, using: &numbers)
          tracker.settle(model[index].number)
          model[index].settled = true
        }
        let settled = model.prefix { $0.settled }
        #expect(tracker.position == settled.last.map { $0.offset + 1 })
        #expect(tracker.open == model.count { !$0.settled })
        #expect(tracker.lowestOpen == model.first { !$0.settled }?.offset)
      }
    }
  }

  @Test func findsARecordByTheLowBitsOfItsNumber() {
    var tracker = OffsetTracker()
    var last: UInt64 = 0
    for offset in 0..<1000 {
      last = tracker.add(offset: Int64(offset))
      tracker.settle(lowBits: last & 0xF, mask: 0xF)
    }
    #expect(tracker.open == 0)
    #expect(tracker.position == 1000)
  }
}

@Suite struct AssignmentTests {
  let first = TopicPartition(topic: "a", partition: 0)
  let second = TopicPartition(topic: "a", partition: 1)

  func add(_ assignment: inout Assignment, _ partition: TopicPartition, _ offset: Int64) throws -> RecordReference {
    let slot = try #require(assignment.slot(of: partition))
    let reference = assignment.add(slot: slot, offset: offset)
    return try #require(reference)
  }

  @Test func positionsAreGivenOutOnceAndAgainAfterAFailedCommit() throws {
    var assignment = Assignment(limit: 100)
    assignment.assign([first, second])
    assignment.settle(try add(&assignment, first, 4))
    _ = try add(&assignment, second, 9)
    let positions = assignment.takePositions()
    // Of the second one nothing is settled: its group learns where it began.
    #expect(positions.map(\.offset) == [5, 9])
    let laterPositions = assignment.takePositions()
    #expect(laterPositions.isEmpty)
    assignment.uncommit([first])
    let thenPositions = assignment.takePositions()
    #expect(thenPositions.map(\.partition) == [first])
    #expect(assignment.open == 1)
  }

  @Test func whatWasTakenAwayIsNotSettledByOldReferences() throws {
    var assignment = Assignment(limit: 100)
    assignment.assign([first])
    let old = try add(&assignment, first, 4)
    assignment.revoke([first])
    #expect(assignment.open == 0)
    assignment.settle(old)
    let positions = assignment.takePositions()
    #expect(positions.isEmpty)
    // The partition comes back, into the same slot, with the same number: the epoch tells them apart.
    assignment.assign([first])
    _ = try add(&assignment, first, 4)
    assignment.settle(old)
    let laterPositions = assignment.takePositions()
    #expect(laterPositions.map(\.offset) == [4])
    #expect(assignment.open == 1)
  }

  @Test func positionsOfChosenPartitionsOnly() throws {
    var assignment = Assignment(limit: 100)
    assignment.assign([first, second])
    assignment.settle(try add(&assignment, first, 1))
    assignment.settle(try add(&assignment, second, 2))
    let positions = assignment.takePositions(of: [second])
    #expect(positions.map(\.offset) == [3])
    let laterPositions = assignment.takePositions()
    #expect(laterPositions.map(\.offset) == [2])
  }

  @Test func pausesAtTheLimitAndGoesOnAtHalfOfIt() throws {
    var assignment = Assignment(limit: 4)
    assignment.assign([first, second])
    var references: [RecordReference] = []
    for offset in 0..<3 { references.append(try add(&assignment, first, Int64(offset))) }
    let pauses = assignment.takePauses()
    #expect(pauses.isEmpty)
    references.append(try add(&assignment, first, 3))
    let laterPauses = assignment.takePauses()
    #expect(laterPauses == [first])
    let thenPauses = assignment.takePauses()
    #expect(thenPauses.isEmpty)
    #expect(assignment.isPaused(first))
    let moved = assignment.settle(references[3])
    #expect(!moved)
    let resumes = assignment.takeResumes()
    #expect(resumes.isEmpty)
    let laterMoved = assignment.settle(references[0])
    #expect(laterMoved)
    let laterResumes = assignment.takeResumes()
    #expect(laterResumes == [first])
    let thenResumes = assignment.takeResumes()
    #expect(thenResumes.isEmpty)
    #expect(!assignment.isPaused(first))
  }

  @Test func aRecordThatNobodyTookIsTakenBack() throws {
    var assignment = Assignment(limit: 4)
    assignment.assign([first])
    let open = try add(&assignment, first, 0)
    let refused = try add(&assignment, first, 1)
    assignment.withdraw(refused)
    #expect(assignment.open == 1)
    let again = try add(&assignment, first, 1)
    assignment.settle(again)
    assignment.settle(open)
    let positions = assignment.takePositions()
    #expect(positions.map(\.offset) == [2])
  }

  @Test func referencesTravelAsBits() throws {
    var assignment = Assignment(limit: 4)
    assignment.assign([first, second])
    let reference = try add(&assignment, second, 8)
    assignment.settle(RecordReference(bits: reference.bits))
    let positions = assignment.takePositions()
    #expect(positions.map(\.partition) == [second])
    assignment.settle(RecordReference(bits: .max))
    #expect(assignment.open == 0)
  }

  @Test func manyPartitionsTogetherHaveALimitOfTheirOwn() throws {
    var assignment = Assignment(limit: 10, totalLimit: 12)
    let partitions = (0..<4).map { TopicPartition(topic: "t", partition: Int32($0)) }
    assignment.assign(partitions)
    var open: [RecordReference] = []
    for offset in 0..<3 {
      for slot in 0..<4 {
        #expect(!assignment.isAtLimit)
        if let reference = assignment.add(slot: slot, offset: Int64(offset)) { open.append(reference) }
      }
    }
    // None has reached its own.
    #expect(open.count == 12)
    #expect(assignment.isAtLimit)
    let pauses = assignment.takePauses()
    #expect(pauses == partitions)
    #expect(!assignment.isAtLimit && !assignment.isAboveHalf)
    let early = open.prefix(5).map { assignment.settle($0) }
    #expect(early == [false, false, false, false, false])
    let earlyResumes = assignment.takeResumes()
    #expect(earlyResumes.isEmpty)
    let goesOn = assignment.settle(open[5])
    #expect(goesOn)
    let resumes = assignment.takeResumes()
    #expect(resumes == partitions)
    #expect(Assignment(limit: 100, totalLimit: 12).totalLimit == 100)
  }
}
