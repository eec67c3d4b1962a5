;; Multiply and add over GF(2^8) on long vectors (Plank, Greenan, Miller: Screaming Fast Galois Field
;; Arithmetic Using Intel SIMD Instructions, FAST 2013): a product with a fixed coefficient is the sum
;; of two look-ups, one for each half of a byte. Lengths are multiples of 64 bytes.
;;
;; Memory: 32 bytes of tables for each coefficient from 0 (low halves, then high halves), then the
;; terms of a sum from 8192, 12 bytes each: position, length, coefficient.
;;
;; Halves are shifted as 16 bits and masked: a shift of bytes is five instructions on x86. A sum takes
;; four terms of one length in a pass, so that its target is loaded and stored once for four.
(module
  (import "env" "memory" (memory 1))

  (func $low (param $coefficient i32) (result v128)
    (v128.load (i32.shl (local.get $coefficient) (i32.const 5))))

  (func $high (param $coefficient i32) (result v128)
    (v128.load offset=16 (i32.shl (local.get $coefficient) (i32.const 5))))

  (func $product (param $x v128) (param $low v128) (param $high v128) (param $mask v128) (result v128)
    (v128.xor
      (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $mask)))
      (i8x16.swizzle (local.get $high) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask)))))

  (func $addScaled (export "addScaled") (param $target i32) (param $source i32) (param $length i32) (param $coefficient i32)
    (local $low v128) (local $high v128) (local $mask v128) (local $x v128) (local $end i32)
    (local.set $mask (i8x16.splat (i32.const 15)))
    (local.set $low (call $low (local.get $coefficient)))
    (local.set $high (call $high (local.get $coefficient)))
    (local.set $end (i32.add (local.get $source) (local.get $length)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $source) (local.get $end)))
        (local.set $x (v128.load (local.get $source)))
        (v128.store (local.get $target) (v128.xor (v128.load (local.get $target)) (v128.xor
          (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask))))))
        (local.set $x (v128.load offset=16 (local.get $source)))
        (v128.store offset=16 (local.get $target) (v128.xor (v128.load offset=16 (local.get $target)) (v128.xor
          (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask))))))
        (local.set $x (v128.load offset=32 (local.get $source)))
        (v128.store offset=32 (local.get $target) (v128.xor (v128.load offset=32 (local.get $target)) (v128.xor
          (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask))))))
        (local.set $x (v128.load offset=48 (local.get $source)))
        (v128.store offset=48 (local.get $target) (v128.xor (v128.load offset=48 (local.get $target)) (v128.xor
          (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask))))))
        (local.set $target (i32.add (local.get $target) (i32.const 64)))
        (local.set $source (i32.add (local.get $source) (i32.const 64)))
        (br $next))))

  (func (export "scale") (param $target i32) (param $length i32) (param $coefficient i32)
    (local $low v128) (local $high v128) (local $mask v128) (local $end i32)
    (local.set $mask (i8x16.splat (i32.const 15)))
    (local.set $low (call $low (local.get $coefficient)))
    (local.set $high (call $high (local.get $coefficient)))
    (local.set $end (i32.add (local.get $target) (local.get $length)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $target) (local.get $end)))
        (v128.store (local.get $target)
          (call $product (v128.load (local.get $target)) (local.get $low) (local.get $high) (local.get $mask)))
        (local.set $target (i32.add (local.get $target) (i32.const 16)))
        (br $next))))

  ;; Adds the four terms from $term on, which have the same length.
  (func $addFour (param $target i32) (param $term i32)
    (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $end i32)
    (local $low_a v128) (local $high_a v128)
    (local $low_b v128) (local $high_b v128)
    (local $low_c v128) (local $high_c v128)
    (local $low_d v128) (local $high_d v128)
    (local $mask v128) (local $x v128) (local $sum v128)
    (local.set $mask (i8x16.splat (i32.const 15)))
    (local.set $a (i32.load (local.get $term)))
    (local.set $low_a (call $low (i32.load offset=8 (local.get $term))))
    (local.set $high_a (call $high (i32.load offset=8 (local.get $term))))
    (local.set $b (i32.load offset=12 (local.get $term)))
    (local.set $low_b (call $low (i32.load offset=20 (local.get $term))))
    (local.set $high_b (call $high (i32.load offset=20 (local.get $term))))
    (local.set $c (i32.load offset=24 (local.get $term)))
    (local.set $low_c (call $low (i32.load offset=32 (local.get $term))))
    (local.set $high_c (call $high (i32.load offset=32 (local.get $term))))
    (local.set $d (i32.load offset=36 (local.get $term)))
    (local.set $low_d (call $low (i32.load offset=44 (local.get $term))))
    (local.set $high_d (call $high (i32.load offset=44 (local.get $term))))
    (local.set $end (i32.add (local.get $a) (i32.load offset=4 (local.get $term))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $a) (local.get $end)))
        (local.set $sum (v128.load (local.get $target)))
        (local.set $x (v128.load (local.get $a)))
        (local.set $sum (v128.xor (local.get $sum) (v128.xor
          (i8x16.swizzle (local.get $low_a) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high_a) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask))))))
        (local.set $x (v128.load (local.get $b)))
        (local.set $sum (v128.xor (local.get $sum) (v128.xor
          (i8x16.swizzle (local.get $low_b) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high_b) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask))))))
        (local.set $x (v128.load (local.get $c)))
        (local.set $sum (v128.xor (local.get $sum) (v128.xor
          (i8x16.swizzle (local.get $low_c) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high_c) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask))))))
        (local.set $x (v128.load (local.get $d)))
        (local.set $sum (v128.xor (local.get $sum) (v128.xor
          (i8x16.swizzle (local.get $low_d) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high_d) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask))))))
        (v128.store (local.get $target) (local.get $sum))
        (local.set $sum (v128.load offset=16 (local.get $target)))
        (local.set $x (v128.load offset=16 (local.get $a)))
        (local.set $sum (v128.xor (local.get $sum) (v128.xor
          (i8x16.swizzle (local.get $low_a) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high_a) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask))))))
        (local.set $x (v128.load offset=16 (local.get $b)))
        (local.set $sum (v128.xor (local.get $sum) (v128.xor
          (i8x16.swizzle (local.get $low_b) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high_b) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask))))))
        (local.set $x (v128.load offset=16 (local.get $c)))
        (local.set $sum (v128.xor (local.get $sum) (v128.xor
          (i8x16.swizzle (local.get $low_c) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high_c) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask))))))
        (local.set $x (v128.load offset=16 (local.get $d)))
        (local.set $sum (v128.xor (local.get $sum) (v128.xor
          (i8x16.swizzle (local.get $low_d) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high_d) (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (local.get $mask))))))
        (v128.store offset=16 (local.get $target) (local.get $sum))
        (local.set $target (i32.add (local.get $target) (i32.const 32)))
        (local.set $a (i32.add (local.get $a) (i32.const 32)))
        (local.set $b (i32.add (local.get $b) (i32.const 32)))
        (local.set $c (i32.add (local.get $c) (i32.const 32)))
        (local.set $d (i32.add (local.get $d) (i32.const 32)))
        (br $next))))

  (func $sameLength (param $term i32) (result i32)
    (local $length i32)
    (local.set $length (i32.load offset=4 (local.get $term)))
    (i32.and
      (i32.eq (local.get $length) (i32.load offset=16 (local.get $term)))
      (i32.and
        (i32.eq (local.get $length) (i32.load offset=28 (local.get $term)))
        (i32.eq (local.get $length) (i32.load offset=40 (local.get $term))))))

  (func (export "addTerms") (param $target i32) (param $count i32)
    (local $term i32) (local $end i32) (local $left i32)
    (local.set $term (i32.const 8192))
    (local.set $end (i32.add (i32.const 8192) (i32.mul (local.get $count) (i32.const 12))))
    (block $done
      (loop $next
        (local.set $left (i32.sub (local.get $end) (local.get $term)))
        (br_if $done (i32.eqz (local.get $left)))
        (if (i32.ge_u (local.get $left) (i32.const 48))
          (then
            (if (call $sameLength (local.get $term))
              (then
                (call $addFour (local.get $target) (local.get $term))
                (local.set $term (i32.add (local.get $term) (i32.const 48)))
                (br $next)))))
        (call $addScaled (local.get $target)
          (i32.load (local.get $term))
          (i32.load offset=4 (local.get $term))
          (i32.load offset=8 (local.get $term)))
        (local.set $term (i32.add (local.get $term) (i32.const 12)))
        (br $next)))))
