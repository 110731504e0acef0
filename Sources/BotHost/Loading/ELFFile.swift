import CELF
import Glibc

/// A shared library's bytes seen through libelf, without running or mapping any of them.
///
/// What the dynamic loader goes by is read as it reads it: through the program headers and the dynamic segment.
/// Sections are asked for their names alone. Every offset and every count comes from the file and is believed only
/// within the file.
final class ELFFile {
  /// A function or an object that the library defines or wants.
  struct Symbol {
    /// Borrowed from the file's bytes.
    fileprivate var nameBytes: UnsafeRawBufferPointer
    var kind: Int32
    var binding: Int32
    var isDefined: Bool
    var address: UInt64
    var size: UInt64

    var name: String { String(decoding: nameBytes, as: UTF8.self) }

    func hasPrefix(_ prefix: StaticString) -> Bool {
      guard let start = nameBytes.baseAddress, nameBytes.count >= prefix.utf8CodeUnitCount else { return false }
      return memcmp(start, prefix.utf8Start, prefix.utf8CodeUnitCount) == 0
    }
  }

  /// What is wrong with a file, before it is known whose file it is.
  struct Fault: Error {
    var cause: ImageRefusal.Cause
    var message: String
    var advice = ""
  }

  private let content: LibraryBytes
  private var bytes: UnsafeRawBufferPointer { content.buffer }
  private let elf: OpaquePointer
  private let segments: [GElf_Phdr]
  private let dynamic: [GElf_Dyn]
  private let strings: Range<Int>
  /// The names of the sections; nil when the section headers have been stripped.
  let sections: [String]?

  /// The processor that this host was built for.
  static var hostMachine: (number: Int32, name: String) {
    #if arch(x86_64)
      (EM_X86_64, "x86-64")
    #elseif arch(arm64)
      (EM_AARCH64, "AArch64")
    #endif
  }

  /// The same for bytes in an array.
  convenience init(_ content: [UInt8]) throws(Fault) { try self.init(LibraryBytes(copying: content)) }

  /// Checks that `content` is a whole shared library for this machine.
  init(_ content: LibraryBytes) throws(Fault) {
    try Self.checkIdentification(content.buffer)
    guard elf_version(UInt32(EV_CURRENT)) != 0 else {
      throw Fault(cause: .unreadable, message: "cannot be inspected: libelf is of another version")
    }
    let size = content.buffer.count
    // libelf may align what it reads in place: the memory is ours and writable.
    let memory = UnsafeMutableRawPointer(mutating: content.buffer.baseAddress)?.assumingMemoryBound(to: CChar.self)
    guard let elf = elf_memory(memory, size) else {
      throw Fault(cause: .malformed, message: "is no readable ELF file: \(Self.libelfError)")
    }
    do throws(Fault) {
      let header = try Self.header(elf, size: size)
      let segments = try Self.segments(elf, header, size: size)
      self.sections = try Self.sectionNames(elf, header, size: size)
      let dynamic = try Self.dynamicEntries(elf, segments)
      self.strings = try Self.stringTable(dynamic, segments, size: size)
      self.segments = segments
      self.dynamic = dynamic
      self.content = content
      self.elf = elf
    } catch {
      elf_end(elf)
      throw error
    }
  }

  deinit { elf_end(elf) }

  // MARK: The dynamic segment

  func value(_ tag: Int32) -> UInt64? { dynamic.first { $0.d_tag == Int64(tag) }?.d_un.d_val }

  func strings(_ tag: Int32) -> [String] {
    dynamic.filter { $0.d_tag == Int64(tag) }.compactMap { string(at: $0.d_un.d_val) }
  }

  var flags: UInt64 { value(DT_FLAGS) ?? 0 }
  var flags1: UInt64 { value(DT_FLAGS_1) ?? 0 }

  /// Whether the file asks for, or by saying nothing gets, a stack that can be executed.
  var wantsExecutableStack: Bool {
    guard let stack = segments.first(where: { $0.p_type == UInt32(PT_GNU_STACK) }) else { return true }
    return stack.p_flags & UInt32(PF_X) != 0
  }

  /// The identity that the linker gave to this build, in hexadecimal; nil when it gave none.
  var buildID: String? {
    for note in segments where note.p_type == UInt32(PT_NOTE) {
      guard let range = fileRange(Int64(bitPattern: note.p_offset), Int64(bitPattern: note.p_filesz)) else { continue }
      var at = range.lowerBound
      while at + 12 <= range.upperBound {
        let nameSize = Int(word(at))
        let size = Int(word(at + 4))
        let name = at + 12
        let content = name + (nameSize + 3) / 4 * 4
        guard content + size <= range.upperBound else { break }
        if word(at + 8) == 3, nameSize == 4, bytes[name..<name + 4].elementsEqual("GNU\0".utf8), size <= 64 {
          return bytes[content..<content + size].map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0" + digits : digits
          }.joined()
        }
        at = content + (size + 3) / 4 * 4
      }
    }
    return nil
  }

  // MARK: Symbols

  /// Calls `body` for each symbol that the loader can see.
  func forEachSymbol(_ body: (Symbol) -> Void) throws(Fault) {
    guard let address = value(DT_SYMTAB) else { return }
    let count = try symbolCount()
    guard count > 0 else { return }
    guard let start = offset(of: address, length: UInt64(count) * 24) else {
      throw Fault(cause: .malformed, message: "its symbol table of \(count) entries lies outside the file")
    }
    guard let data = elf_getdata_rawchunk(elf, Int64(start), count * 24, ELF_T_SYM) else {
      throw Fault(cause: .malformed, message: "its symbol table cannot be read: \(Self.libelfError)")
    }
    for index in 1..<max(count, 1) {
      var symbol = GElf_Sym()
      guard gelf_getsym(data, Int32(index), &symbol) != nil else { break }
      guard let name = stringBytes(at: UInt64(symbol.st_name)), !name.isEmpty else { continue }
      body(
        Symbol(
          nameBytes: name, kind: Int32(symbol.st_info & 15), binding: Int32(symbol.st_info >> 4),
          isDefined: symbol.st_shndx != 0, address: symbol.st_value, size: symbol.st_size))
    }
  }

  /// The NUL-terminated text at an address of the image, at most `limit` bytes; nil when the file does not hold it.
  func text(at address: UInt64, limit: Int) -> String? {
    guard let start = offset(of: address, length: 1) else { return nil }
    let window = bytes[start..<min(bytes.count, start + limit)]
    guard let end = window.firstIndex(of: 0) else { return nil }
    return String(validating: window[..<end], as: UTF8.self)
  }

  /// The loader finds symbols through a hash table, which is also what says how many there are.
  private func symbolCount() throws(Fault) -> Int {
    let fault = Fault(cause: .malformed, message: "its table of symbol names is damaged")
    let most = bytes.count / 24
    if let address = value(DT_GNU_HASH) {
      guard let table = offset(of: address, length: 16) else { throw fault }
      let buckets = Int(word(table))
      let first = Int(word(table + 4))
      let bloom = Int(word(table + 8))
      guard buckets <= bytes.count / 4, bloom <= bytes.count / 8 else { throw fault }
      let bucketTable = table + 16 + bloom * 8
      let chains = bucketTable + buckets * 4
      guard chains <= bytes.count else { throw fault }
      var last = 0
      for bucket in 0..<buckets { last = max(last, Int(word(bucketTable + bucket * 4))) }
      guard last >= first, last > 0 else { return min(first, most) }
      while true {
        let at = chains + (last - first) * 4
        guard at + 4 <= bytes.count, last < most else { throw fault }
        if word(at) & 1 != 0 { return last + 1 }
        last += 1
      }
    }
    if let address = value(DT_HASH) {
      guard let table = offset(of: address, length: 8), Int(word(table + 4)) <= most else { throw fault }
      return Int(word(table + 4))
    }
    return 0
  }

  // MARK: Places in the file

  private func word(_ at: Int) -> UInt32 {
    guard at >= 0, at + 4 <= bytes.count else { return 0 }
    return bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)
  }

  private func string(at index: UInt64) -> String? {
    stringBytes(at: index).map { String(decoding: $0, as: UTF8.self) }
  }

  private func stringBytes(at index: UInt64) -> UnsafeRawBufferPointer? {
    guard index < UInt64(strings.count), let base = bytes.baseAddress else { return nil }
    let start = base + strings.lowerBound + Int(index)
    guard let end = memchr(start, 0, strings.count - Int(index)) else { return nil }
    return UnsafeRawBufferPointer(start: start, count: UnsafeRawPointer(end) - start)
  }

  private func fileRange(_ offset: Int64, _ length: Int64) -> Range<Int>? {
    guard offset >= 0, length >= 0, offset <= bytes.count, length <= Int64(bytes.count) - offset else { return nil }
    return Int(offset)..<Int(offset + length)
  }

  private func offset(of address: UInt64, length: UInt64) -> Int? {
    Self.offset(of: address, length: length, in: segments)
  }

  /// Where in the file the bytes at an address of the image lie. The segments have been checked to lie within the file.
  private static func offset(of address: UInt64, length: UInt64, in segments: [GElf_Phdr]) -> Int? {
    for segment in segments where segment.p_type == UInt32(PT_LOAD) {
      guard address >= segment.p_vaddr else { continue }
      let within = address - segment.p_vaddr
      if within < segment.p_filesz, length <= segment.p_filesz - within { return Int(segment.p_offset + within) }
    }
    return nil
  }

  // MARK: Reading the headers

  private static var libelfError: String {
    guard let text = elf_errmsg(-1) else { return "unknown error" }
    return String(cString: text)
  }

  private static func checkIdentification(_ content: UnsafeRawBufferPointer) throws(Fault) {
    guard !content.isEmpty else { throw Fault(cause: .truncated, message: "is empty") }
    let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46]
    guard content.count >= 4 else {
      throw Fault(
        cause: magic.starts(with: content) ? .truncated : .notALibrary,
        message: "has \(content.count) bytes and is no library")
    }
    guard content.starts(with: magic) else {
      let what =
        content.starts(with: "!<arch>".utf8) ? "a static archive" : content.starts(with: "#!".utf8) ? "a script" : nil
      throw Fault(
        cause: .notALibrary, message: "is \(what ?? "not an ELF file"); a shared library was expected",
        advice: "link with -shared")
    }
    guard content.count >= 64 else {
      throw Fault(
        cause: .truncated, message: "is truncated: it ends within its first header, after \(content.count) bytes")
    }
    guard content[Int(EI_CLASS)] == UInt8(ELFCLASS64) else {
      let what = content[Int(EI_CLASS)] == UInt8(ELFCLASS32) ? "a 32-bit library" : "of unknown word size"
      throw Fault(
        cause: .wrongArchitecture, message: "is \(what); this host is 64-bit \(hostMachine.name)",
        advice: "build it for this machine")
    }
    guard content[Int(EI_DATA)] == UInt8(ELFDATA2LSB) else {
      throw Fault(
        cause: .wrongArchitecture, message: "is not little-endian; this host is 64-bit \(hostMachine.name)",
        advice: "build it for this machine")
    }
    guard content[Int(EI_VERSION)] == UInt8(EV_CURRENT) else {
      throw Fault(cause: .malformed, message: "is of ELF version \(content[Int(EI_VERSION)]); 1 was expected")
    }
    let system = content[Int(EI_OSABI)]
    guard system == UInt8(ELFOSABI_NONE) || system == UInt8(ELFOSABI_LINUX) else {
      throw Fault(cause: .wrongArchitecture, message: "is built for another operating system (ELF OS/ABI \(system))")
    }
  }

  private static func header(_ elf: OpaquePointer, size: Int) throws(Fault) -> GElf_Ehdr {
    var header = GElf_Ehdr()
    guard elf_kind(elf) == ELF_K_ELF, gelf_getehdr(elf, &header) != nil else {
      throw Fault(cause: .malformed, message: "is no readable ELF file: \(libelfError)")
    }
    guard Int32(header.e_machine) == hostMachine.number else {
      throw Fault(
        cause: .wrongArchitecture,
        message: "is built for \(machineName(header.e_machine)); this host is \(hostMachine.name)",
        advice: "build it for this machine")
    }
    guard Int32(header.e_type) == ET_DYN else {
      let what =
        switch Int32(header.e_type) {
        case ET_REL: "an object file"
        case ET_EXEC: "a program"
        case ET_CORE: "a core dump"
        default: "of ELF type \(header.e_type)"
        }
      throw Fault(
        cause: .notALibrary, message: "is \(what); a shared library was expected", advice: "link with -shared")
    }
    return header
  }

  private static func segments(_ elf: OpaquePointer, _ header: GElf_Ehdr, size: Int) throws(Fault) -> [GElf_Phdr] {
    let count = Int(header.e_phnum)
    guard count > 0, header.e_phentsize == 56 else {
      throw Fault(cause: .malformed, message: "has no program headers to be loaded by")
    }
    guard header.e_phoff <= UInt64(size), UInt64(count * 56) <= UInt64(size) - header.e_phoff else {
      throw Fault(cause: .truncated, message: "is truncated: its program headers lie beyond its \(size) bytes")
    }
    var segments: [GElf_Phdr] = []
    for index in 0..<count {
      var segment = GElf_Phdr()
      guard gelf_getphdr(elf, Int32(index), &segment) != nil else {
        throw Fault(cause: .malformed, message: "its program header \(index) cannot be read: \(libelfError)")
      }
      let kinds = [UInt32(PT_LOAD), UInt32(PT_DYNAMIC), UInt32(PT_NOTE), UInt32(PT_TLS), UInt32(PT_GNU_RELRO)]
      if kinds.contains(segment.p_type) {
        guard segment.p_offset <= UInt64(size), segment.p_filesz <= UInt64(size) - segment.p_offset else {
          throw Fault(
            cause: .truncated, message: "is truncated: segment \(index) ends beyond its \(size) bytes",
            advice: "copy or build it again")
        }
      }
      if segment.p_type == UInt32(PT_LOAD) {
        let page = UInt64(sysconf(Int32(_SC_PAGESIZE)))
        let end = segment.p_vaddr.addingReportingOverflow(segment.p_memsz)
        guard segment.p_filesz <= segment.p_memsz, !end.overflow, end.partialValue < 1 << 46,
          segment.p_vaddr % page == segment.p_offset % page
        else { throw Fault(cause: .malformed, message: "its segment \(index) contradicts itself") }
      }
      segments.append(segment)
    }
    guard segments.contains(where: { $0.p_type == UInt32(PT_LOAD) }) else {
      throw Fault(cause: .malformed, message: "has nothing to load")
    }
    return segments
  }

  private static func sectionNames(_ elf: OpaquePointer, _ header: GElf_Ehdr, size: Int) throws(Fault) -> [String]? {
    guard header.e_shoff != 0, header.e_shnum != 0 || header.e_shentsize != 0 else { return nil }
    let least = UInt64(max(Int(header.e_shnum), 1)) * 64
    guard header.e_shoff <= UInt64(size), least <= UInt64(size) - header.e_shoff else {
      throw Fault(
        cause: .truncated, message: "is truncated: its section headers lie beyond its \(size) bytes",
        advice: "copy or build it again")
    }
    var index = 0
    guard header.e_shentsize == 64, elf_getshdrstrndx(elf, &index) == 0 else {
      throw Fault(cause: .malformed, message: "its section headers cannot be read: \(libelfError)")
    }
    var names: [String] = []
    var section = elf_nextscn(elf, nil)
    while let current = section {
      var header = GElf_Shdr()
      guard gelf_getshdr(current, &header) != nil else {
        throw Fault(cause: .malformed, message: "its section \(names.count + 1) cannot be read: \(libelfError)")
      }
      if header.sh_type != UInt32(SHT_NOBITS), header.sh_type != UInt32(SHT_NULL) {
        guard header.sh_offset <= UInt64(size), header.sh_size <= UInt64(size) - header.sh_offset else {
          throw Fault(
            cause: .truncated, message: "is truncated: a section ends beyond its \(size) bytes",
            advice: "copy or build it again")
        }
      }
      if let name = elf_strptr(elf, index, Int(header.sh_name)) { names.append(String(cString: name)) }
      section = elf_nextscn(elf, current)
    }
    return names
  }

  private static func dynamicEntries(_ elf: OpaquePointer, _ segments: [GElf_Phdr]) throws(Fault) -> [GElf_Dyn] {
    guard let segment = segments.first(where: { $0.p_type == UInt32(PT_DYNAMIC) }) else {
      throw Fault(
        cause: .notALibrary, message: "is not dynamically linked; a shared library was expected",
        advice: "link with -shared")
    }
    let count = Int(segment.p_filesz / 16)
    guard count > 0, count < 4096,
      let data = elf_getdata_rawchunk(elf, Int64(segment.p_offset), count * 16, ELF_T_DYN)
    else { throw Fault(cause: .malformed, message: "its dynamic segment cannot be read") }
    var entries: [GElf_Dyn] = []
    for index in 0..<count {
      var entry = GElf_Dyn()
      guard gelf_getdyn(data, Int32(index), &entry) != nil, entry.d_tag != Int64(DT_NULL) else { break }
      entries.append(entry)
    }
    return entries
  }

  private static func stringTable(_ dynamic: [GElf_Dyn], _ segments: [GElf_Phdr], size: Int) throws(Fault) -> Range<Int>
  {
    func value(_ tag: Int32) -> UInt64? { dynamic.first { $0.d_tag == Int64(tag) }?.d_un.d_val }
    guard let address = value(DT_STRTAB), let length = value(DT_STRSZ), length <= UInt64(size),
      let start = offset(of: address, length: length, in: segments)
    else { throw Fault(cause: .malformed, message: "its table of names lies outside the file") }
    return start..<start + Int(length)
  }

  private static func machineName(_ machine: UInt16) -> String {
    switch Int32(machine) {
    case EM_X86_64: "x86-64"
    case EM_AARCH64: "AArch64"
    case EM_386: "i386"
    case EM_ARM: "32-bit ARM"
    case EM_RISCV: "RISC-V"
    case EM_PPC64: "64-bit PowerPC"
    case EM_S390: "IBM Z"
    default: "machine \(machine)"
    }
  }
}
